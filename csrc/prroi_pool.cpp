#include "prroi_pool.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

// Compiled for several widths of vectors, chosen when the program starts. All of them add in the same order.
#if defined(__GNUC__) && !defined(__clang__) && defined(__x86_64__) && defined(__GLIBC__)
#define PRROI_WIDE __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define PRROI_WIDE
#endif

namespace prroi {
namespace {

constexpr int kLanes = 16;  // partial sums of a dot product; fixed, so that every processor adds in the same order

// Integral of the hat function max(0, 1 - |t|) from 0 to t.
template <typename T>
T hat_integral(T t) {
  const T u = std::min(T(1), std::max(T(-1), t));
  return u - u * std::fabs(u) / 2;
}

template <typename T>
T hat(T t) {
  return std::max(T(0), 1 - std::fabs(t));
}

// The cells that the bins of one box cover along one axis, their weights in the mean over a bin, and the derivatives of
// the weights by the start and the end of the box.
template <typename T>
struct Axis {
  Axis(std::int64_t cells, std::int64_t bins)
      : cells(cells), bins(bins), first(bins), last(bins), weight(bins * cells), by_start(bins * cells),
        by_end(bins * cells) {}

  // False when the box has no extent.
  bool place(T start, T end) {
    const T step = (end - start) / bins;
    if (!(step > 0)) return false;
    for (std::int64_t bin = 0; bin < bins; ++bin) {
      const T low = start + bin * step, high = low + step;
      const T low_share = T(bin) / bins, high_share = T(bin + 1) / bins;
      first[bin] = static_cast<std::int64_t>(std::min(T(cells), std::max(T(0), std::floor(low))));
      last[bin] = static_cast<std::int64_t>(std::min(T(cells - 1), std::max(T(-1), std::ceil(high))));
      for (std::int64_t cell = first[bin]; cell <= last[bin]; ++cell) {
        const std::int64_t k = bin * cells + cell;
        weight[k] = (hat_integral(high - cell) - hat_integral(low - cell)) / step;
        const T by_low = (weight[k] - hat(low - cell)) / step, by_high = (hat(high - cell) - weight[k]) / step;
        by_start[k] = by_low * (1 - low_share) + by_high * (1 - high_share);
        by_end[k] = by_low * low_share + by_high * high_share;
      }
    }
    return true;
  }

  std::int64_t cells, bins;
  std::vector<std::int64_t> first, last;  // per bin, both inclusive
  std::vector<T> weight, by_start, by_end;
};

// Calls visit(k_y, k_x, cell, bin) for every cell of every bin of a box: places in the arrays of the two axes, and
// offsets of the cell in its map and of the bin in its box.
template <typename T, typename Visit>
inline void for_each_cell(const Axis<T>& y, const Axis<T>& x, std::int64_t channels, Visit visit) {
  for (std::int64_t row = 0; row < y.bins; ++row) {
    for (std::int64_t column = 0; column < x.bins; ++column) {
      const std::int64_t bin = (row * x.bins + column) * channels;
      for (std::int64_t i = y.first[row]; i <= y.last[row]; ++i) {
        for (std::int64_t j = x.first[column]; j <= x.last[column]; ++j) {
          visit(row * y.cells + i, column * x.cells + j, (i * x.cells + j) * channels, bin);
        }
      }
    }
  }
}

template <typename T>
inline void add_scaled_as(T* sum, T factor, const T* values, std::int64_t count) {
  for (std::int64_t c = 0; c < count; ++c) sum[c] += factor * values[c];
}

template <typename T>
inline T dot_as(const T* a, const T* b, std::int64_t count) {
  T sums[kLanes] = {};
  std::int64_t c = 0;
  for (; c + kLanes <= count; c += kLanes) {
    for (int lane = 0; lane < kLanes; ++lane) sums[lane] += a[c + lane] * b[c + lane];
  }
  for (; c < count; ++c) sums[c % kLanes] += a[c] * b[c];
  T total = 0;
  for (T sum : sums) total += sum;
  return total;
}

PRROI_WIDE void add_scaled(float* sum, float factor, const float* values, std::int64_t count) {
  add_scaled_as(sum, factor, values, count);
}
PRROI_WIDE void add_scaled(double* sum, double factor, const double* values, std::int64_t count) {
  add_scaled_as(sum, factor, values, count);
}
PRROI_WIDE float dot(const float* a, const float* b, std::int64_t count) { return dot_as(a, b, count); }
PRROI_WIDE double dot(const double* a, const double* b, std::int64_t count) { return dot_as(a, b, count); }

template <typename T>
bool is_finite(const T* box) {
  return std::all_of(box, box + 4, [](T side) { return std::isfinite(side); });
}

}  // namespace

template <typename T>
void forward(const T* map, const T* boxes, const Sizes& s, T* bins) {
  Axis<T> y(s.height, s.rows), x(s.width, s.columns);
  const std::int64_t map_size = s.height * s.width * s.channels, box_size = s.rows * s.columns * s.channels;
  for (std::int64_t n = 0; n < s.samples * s.boxes; ++n) {
    const T *box = boxes + 4 * n, *source = map + n / s.boxes * map_size;
    T* out = bins + n * box_size;
    const bool finite = is_finite(box);
    std::fill(out, out + box_size, finite ? T(0) : std::numeric_limits<T>::quiet_NaN());
    if (!finite || !x.place(box[0], box[2]) || !y.place(box[1], box[3])) continue;
    for_each_cell(y, x, s.channels, [&](std::int64_t ky, std::int64_t kx, std::int64_t cell, std::int64_t bin) {
      add_scaled(out + bin, y.weight[ky] * x.weight[kx], source + cell, s.channels);
    });
  }
}

template <typename T>
void backward_boxes(const T* map, const T* boxes, const T* grad_bins, const Sizes& s, T* grad_boxes) {
  Axis<T> y(s.height, s.rows), x(s.width, s.columns);
  const std::int64_t map_size = s.height * s.width * s.channels, box_size = s.rows * s.columns * s.channels;
  for (std::int64_t n = 0; n < s.samples * s.boxes; ++n) {
    const T *box = boxes + 4 * n, *source = map + n / s.boxes * map_size, *grad = grad_bins + n * box_size;
    T* out = grad_boxes + 4 * n;
    const bool finite = is_finite(box);
    std::fill(out, out + 4, finite ? T(0) : std::numeric_limits<T>::quiet_NaN());
    if (!finite || !x.place(box[0], box[2]) || !y.place(box[1], box[3])) continue;
    for_each_cell(y, x, s.channels, [&](std::int64_t ky, std::int64_t kx, std::int64_t cell, std::int64_t bin) {
      const T change = dot(grad + bin, source + cell, s.channels);
      out[0] += y.weight[ky] * x.by_start[kx] * change;
      out[1] += y.by_start[ky] * x.weight[kx] * change;
      out[2] += y.weight[ky] * x.by_end[kx] * change;
      out[3] += y.by_end[ky] * x.weight[kx] * change;
    });
  }
}

template <typename T>
void backward_map(const T* boxes, const T* grad_bins, const Sizes& s, T* grad_map) {
  Axis<T> y(s.height, s.rows), x(s.width, s.columns);
  const std::int64_t map_size = s.height * s.width * s.channels, box_size = s.rows * s.columns * s.channels;
  std::fill(grad_map, grad_map + s.samples * map_size, T(0));
  for (std::int64_t n = 0; n < s.samples * s.boxes; ++n) {
    const T *box = boxes + 4 * n, *grad = grad_bins + n * box_size;
    T* out = grad_map + n / s.boxes * map_size;
    if (!is_finite(box) || !x.place(box[0], box[2]) || !y.place(box[1], box[3])) continue;
    for_each_cell(y, x, s.channels, [&](std::int64_t ky, std::int64_t kx, std::int64_t cell, std::int64_t bin) {
      add_scaled(out + cell, y.weight[ky] * x.weight[kx], grad + bin, s.channels);
    });
  }
}

template void forward<float>(const float*, const float*, const Sizes&, float*);
template void forward<double>(const double*, const double*, const Sizes&, double*);
template void backward_boxes<float>(const float*, const float*, const float*, const Sizes&, float*);
template void backward_boxes<double>(const double*, const double*, const double*, const Sizes&, double*);
template void backward_map<float>(const float*, const float*, const Sizes&, float*);
template void backward_map<double>(const double*, const double*, const Sizes&, double*);

}  // namespace prroi
