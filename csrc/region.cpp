#include "region.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

namespace region {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr double kLargestCoordinate = 1e18;   // beyond it, products of coordinates leave the range of float
constexpr double kLargestNode = 1073741824.0; // 2^30: a column number that always fits an int32
constexpr double kLargestWindow = 32768.0;    // px per side; pixel counts then fit an int32
constexpr double kSmallestAreaRatio = 1e-10;

struct Box {
  double left, top, right, bottom;
  double area() const { return (right - left) * (bottom - top); }
};

struct Span {
  std::int32_t left, right;  // both inclusive
};

// Vertices in the coordinates of the raster window.
struct Shape {
  std::vector<double> x, y;
  std::int64_t count() const { return static_cast<std::int64_t>(x.size()); }
};

struct Edge {
  double x0, y0, x1, y1;  // y0 < y1
  int owner;              // bit: 1 = first polygon, 2 = second
};

struct Crossing {
  double x;
  int owner;
};

// Buffers that live as long as one batch, so that a pair allocates nothing.
struct Scratch {
  Shape a, b;
  std::vector<std::int32_t> columns[4];
  std::vector<std::int32_t> nodes;
  std::vector<Span> spans_a, spans_b;
  std::vector<Edge> edges;
  std::vector<double> events;
  std::vector<Crossing> active;
};

bool measurable(Outline p) {
  for (std::int64_t k = 0; k < 2 * p.count; ++k) {
    if (!(std::fabs(p.xy[k]) <= kLargestCoordinate)) return false;  // also false for NaN
  }
  return p.count > 0;
}

// VOT's C code stores coordinates as float: the rounding decides which pixel a border belongs to.
double as_float(double v) { return static_cast<double>(static_cast<float>(v)); }

double round_half_away(double v) { return v >= 0.0 ? std::floor(v + 0.5) : std::ceil(v - 0.5); }

Box bounding_box(Outline p) {
  Box box{as_float(p.xy[0]), as_float(p.xy[1]), as_float(p.xy[0]), as_float(p.xy[1])};
  for (std::int64_t k = 1; k < p.count; ++k) {
    const double x = as_float(p.xy[2 * k]), y = as_float(p.xy[2 * k + 1]);
    box.left = std::min(box.left, x);
    box.right = std::max(box.right, x);
    box.top = std::min(box.top, y);
    box.bottom = std::max(box.bottom, y);
  }
  return box;
}

Box crop(Box box, const Bounds& bounds, bool legacy) {
  if (!legacy) box = {std::floor(box.left), std::floor(box.top), std::ceil(box.right), std::ceil(box.bottom)};
  return {std::max(box.left, bounds.left), std::max(box.top, bounds.top), std::min(box.right, bounds.right),
          std::min(box.bottom, bounds.bottom)};
}

// Whether the reference calls two boxes, as they are counted, apart: the overlap is then 0 without looking at a pixel.
// Its ratio, signs and all: a box outside the bounds has negative sides. Two boxes without an area have none (NaN).
bool apart(const Box& a, const Box& b) {
  const Box both{std::max(a.left, b.left), std::max(a.top, b.top), std::min(a.right, b.right),
                 std::min(a.bottom, b.bottom)};
  return both.area() / (a.area() + b.area() - both.area()) <= 0.0;
}

void place(Outline p, const Box& window, bool legacy, Shape& shape) {
  shape.x.resize(p.count);
  shape.y.resize(p.count);
  for (std::int64_t k = 0; k < p.count; ++k) {
    const double x = as_float(p.xy[2 * k]) - window.left, y = as_float(p.xy[2 * k + 1]) - window.top;
    shape.x[k] = legacy ? x : round_half_away(x);
    shape.y[k] = legacy ? y : round_half_away(y);
  }
}

// Whether the outline is one chain of edges going down and one going up, so that a row crosses each of them once and
// holds one span. A horizontal edge on the way would add a third node to its row; at the top or bottom it adds none.
bool two_chains(const Shape& s) {
  const std::int64_t n = s.count();
  const double top = *std::min_element(s.y.begin(), s.y.end());
  const double bottom = *std::max_element(s.y.begin(), s.y.end());
  int changes = 0, first_sign = 0, sign = 0;
  for (std::int64_t i = 0, j = n - 1; i < n; j = i++) {
    if (std::fabs(s.x[i]) > kLargestNode) return false;
    if (s.y[i] == s.y[j]) {
      if (s.x[i] != s.x[j] && s.y[i] != top && s.y[i] != bottom) return false;
      continue;
    }
    const int now = s.y[i] > s.y[j] ? 1 : -1;
    if (first_sign == 0) first_sign = now;
    if (sign != 0 && now != sign) ++changes;
    sign = now;
  }
  if (sign != first_sign) ++changes;
  return changes == 2;
}

// Rows first ... end - 1 of the window are those an edge from y = top to y = bottom crosses: both ends included, in
// legacy mode without top.
void row_range(double top, double bottom, bool legacy, std::int32_t height, std::int32_t& first, std::int32_t& end) {
  const double from = legacy ? std::floor(top) + 1.0 : top;
  const double to = std::floor(bottom);
  first = static_cast<std::int32_t>(std::min(std::max(from, 0.0), static_cast<double>(height)));
  end = static_cast<std::int32_t>(std::min(std::max(to + 1.0, 0.0), static_cast<double>(height)));
}

void fill_column(double xi, double yi, double xj, double yj, std::int32_t first, std::int32_t end,
                 std::int32_t* column) {
  const double dy = yj - yi, dx = xj - xi;
  for (std::int32_t row = first; row < end; ++row) {
    column[row] = static_cast<std::int32_t>(xi + (static_cast<double>(row) - yi) / dy * dx);
  }
}

// Writes the two nodes of every row of a two-chain shape; rows first ... end - 1 of the columns are set.
void fill_columns(const Shape& s, bool legacy, std::int32_t height, std::int32_t* down, std::int32_t* up,
                  std::int32_t& first, std::int32_t& end) {
  const std::int64_t n = s.count();
  for (std::int64_t i = 0, j = n - 1; i < n; j = i++) {
    if (s.y[i] == s.y[j]) continue;
    row_range(std::min(s.y[i], s.y[j]), std::max(s.y[i], s.y[j]), legacy, height, first, end);
    fill_column(s.x[i], s.y[i], s.x[j], s.y[j], first, end, s.y[i] > s.y[j] ? down : up);
  }
  row_range(*std::min_element(s.y.begin(), s.y.end()), *std::max_element(s.y.begin(), s.y.end()), legacy, height,
            first, end);
}

// Turns two unordered nodes per row into a clipped inclusive span (right < left where empty) and counts its pixels.
std::int64_t finish_spans(std::int32_t* left, std::int32_t* right, std::int32_t first, std::int32_t end,
                          std::int32_t width, std::int32_t legacy) {
  std::int32_t total = 0;
  for (std::int32_t row = first; row < end; ++row) {
    const std::int32_t low = std::min(left[row], right[row]), high = std::max(left[row], right[row]);
    const std::int32_t from = std::max(low, 0);
    const std::int32_t to = low == high ? -1 : std::min(high - legacy, width - 1);
    left[row] = from;
    right[row] = to;
    total += std::max(to - from + 1, 0);
  }
  return total;
}

double count_two_chains(Scratch& s, bool legacy, std::int32_t width, std::int32_t height) {
  for (auto& column : s.columns) {
    if (column.size() < static_cast<std::size_t>(height)) column.resize(height);
  }
  std::int32_t *al = s.columns[0].data(), *ar = s.columns[1].data(), *bl = s.columns[2].data(),
               *br = s.columns[3].data();
  std::int32_t first_a, end_a, first_b, end_b;
  fill_columns(s.a, legacy, height, al, ar, first_a, end_a);
  fill_columns(s.b, legacy, height, bl, br, first_b, end_b);
  const std::int64_t pixels_a = finish_spans(al, ar, first_a, end_a, width, legacy);
  const std::int64_t pixels_b = finish_spans(bl, br, first_b, end_b, width, legacy);
  std::int32_t both = 0;
  const std::int32_t end = std::min(end_a, end_b);
  for (std::int32_t row = std::max(first_a, first_b); row < end; ++row) {
    both += std::max(std::min(ar[row], br[row]) - std::max(al[row], bl[row]) + 1, 0);
  }
  return static_cast<double>(both) / static_cast<double>(pixels_a + pixels_b - both);
}

std::int32_t to_node(double x) {
  return static_cast<std::int32_t>(std::min(std::max(x, -kLargestNode), kLargestNode));
}

// Sorted columns where the outline crosses one row. A vertex on the row counts for both of its edges (raster mode).
void find_nodes(const Shape& s, double row, bool legacy, std::vector<std::int32_t>& nodes) {
  nodes.clear();
  const std::int64_t n = s.count();
  for (std::int64_t i = 0, j = n - 1; i < n; j = i++) {
    const double top = std::min(s.y[i], s.y[j]), bottom = std::max(s.y[i], s.y[j]);
    if (top == bottom || row > bottom || row < top || (legacy && row == top)) continue;
    nodes.push_back(to_node(s.x[i] + (row - s.y[i]) / (s.y[j] - s.y[i]) * (s.x[j] - s.x[i])));
  }
  std::sort(nodes.begin(), nodes.end());
}

// Pairs the nodes of a row into disjoint spans inside the window and returns their number of pixels.
std::int64_t pair_nodes(const std::vector<std::int32_t>& nodes, bool legacy, std::int32_t width,
                        std::vector<Span>& spans) {
  spans.clear();
  std::int64_t total = 0;
  std::size_t i = 0;
  while (i + 1 < nodes.size()) {
    if (!legacy && nodes[i] == nodes[i + 1]) {
      ++i;
      continue;
    }
    std::int32_t left = std::max(nodes[i], 0);
    const std::int32_t right = std::min(nodes[i + 1] - (legacy ? 1 : 0), width - 1);
    if (!spans.empty()) left = std::max(left, spans.back().right + 1);
    if (left <= right) {
      spans.push_back({left, right});
      total += right - left + 1;
    }
    i += 2;
  }
  return total;
}

std::int64_t common_pixels(const std::vector<Span>& a, const std::vector<Span>& b) {
  std::int64_t total = 0;
  std::size_t i = 0, j = 0;
  while (i < a.size() && j < b.size()) {
    total += std::max(std::min(a[i].right, b[j].right) - std::max(a[i].left, b[j].left) + 1, 0);
    if (a[i].right < b[j].right) {
      ++i;
    } else {
      ++j;
    }
  }
  return total;
}

double count_any(Scratch& s, bool legacy, std::int32_t width, std::int32_t height) {
  std::int64_t pixels_a = 0, pixels_b = 0, both = 0;
  for (std::int32_t row = 0; row < height; ++row) {
    find_nodes(s.a, row, legacy, s.nodes);
    pixels_a += pair_nodes(s.nodes, legacy, width, s.spans_a);
    find_nodes(s.b, row, legacy, s.nodes);
    pixels_b += pair_nodes(s.nodes, legacy, width, s.spans_b);
    both += common_pixels(s.spans_a, s.spans_b);
  }
  return static_cast<double>(both) / static_cast<double>(pixels_a + pixels_b - both);
}

void add_edges(Outline p, int owner, std::vector<Edge>& edges) {
  for (std::int64_t i = 0, j = p.count - 1; i < p.count; j = i++) {
    const double xi = p.xy[2 * i], yi = p.xy[2 * i + 1], xj = p.xy[2 * j], yj = p.xy[2 * j + 1];
    if (yi < yj) edges.push_back({xi, yi, xj, yj, owner});
    if (yj < yi) edges.push_back({xj, yj, xi, yi, owner});
  }
}

double x_at(const Edge& e, double y) { return e.x0 + (y - e.y0) / (e.y1 - e.y0) * (e.x1 - e.x0); }

// The y at which two edges cross, NaN where they do not.
double crossing_y(const Edge& e, const Edge& f) {
  const double ex = e.x1 - e.x0, ey = e.y1 - e.y0, fx = f.x1 - f.x0, fy = f.y1 - f.y0;
  const double cross = ex * fy - ey * fx;
  if (cross == 0.0) return kNan;
  const double gx = f.x0 - e.x0, gy = f.y0 - e.y0;
  const double t = (gx * fy - gy * fx) / cross, u = (gx * ey - gy * ex) / cross;
  return t > 0.0 && t < 1.0 && u > 0.0 && u < 1.0 ? e.y0 + t * ey : kNan;
}

void add_event(double y, const Bounds& bounds, std::vector<double>& events) {
  if (y > bounds.top && y < bounds.bottom) events.push_back(y);
}

void add_border_event(const Edge& e, double x, const Bounds& bounds, std::vector<double>& events) {
  if (std::min(e.x0, e.x1) < x && x < std::max(e.x0, e.x1)) {
    add_event(e.y0 + (x - e.x0) / (e.x1 - e.x0) * (e.y1 - e.y0), bounds, events);
  }
}

// Every y at which the order of the edges along a row can change, sorted.
void find_events(const Bounds& bounds, const std::vector<Edge>& edges, std::vector<double>& events) {
  events.clear();
  if (std::isfinite(bounds.top)) events.push_back(bounds.top);
  if (std::isfinite(bounds.bottom)) events.push_back(bounds.bottom);
  for (std::size_t i = 0; i < edges.size(); ++i) {
    add_event(edges[i].y0, bounds, events);
    add_event(edges[i].y1, bounds, events);
    add_border_event(edges[i], bounds.left, bounds, events);
    add_border_event(edges[i], bounds.right, bounds, events);
    for (std::size_t j = 0; j < i; ++j) {
      if (edges[i].y0 < edges[j].y1 && edges[j].y0 < edges[i].y1) {
        add_event(crossing_y(edges[i], edges[j]), bounds, events);
      }
    }
  }
  std::sort(events.begin(), events.end());
}

// Edges crossing the row y, from left to right, clipped to the bounds.
void find_active(const std::vector<Edge>& edges, double y, const Bounds& bounds, std::vector<Crossing>& active) {
  active.clear();
  for (const Edge& e : edges) {
    if (e.y0 > y || e.y1 <= y) continue;
    const Crossing now{std::min(std::max(x_at(e, y), bounds.left), bounds.right), e.owner};
    std::size_t k = active.size();
    active.push_back(now);
    for (; k > 0 && active[k - 1].x > now.x; --k) active[k] = active[k - 1];
    active[k] = now;
  }
}

struct Areas {
  double both = 0.0, either = 0.0;
};

// Between two events no edges cross, so a strip is a row of trapezoids whose area is its mid-height width times its
// height. Sums of positive terms only: no cancellation, and a polygon against itself gives exactly 1.
Areas exact_areas(Outline a, Outline b, const Bounds& bounds, Scratch& s) {
  s.edges.clear();
  add_edges(a, 1, s.edges);
  add_edges(b, 2, s.edges);
  find_events(bounds, s.edges, s.events);
  Areas areas;
  for (std::size_t k = 0; k + 1 < s.events.size(); ++k) {
    const double height = s.events[k + 1] - s.events[k];
    if (height <= 0.0) continue;
    find_active(s.edges, s.events[k] + 0.5 * height, bounds, s.active);
    int inside = 0;
    for (std::size_t i = 0; i + 1 < s.active.size(); ++i) {
      inside ^= s.active[i].owner;
      const double area = (s.active[i + 1].x - s.active[i].x) * height;
      if (inside == 3) areas.both += area;
      if (inside != 0) areas.either += area;
    }
  }
  return areas;
}

double exact_overlap(Outline a, Outline b, const Bounds& bounds, Scratch& s) {
  if (!(bounds.left < bounds.right && bounds.top < bounds.bottom)) return 0.0;
  const Areas areas = exact_areas(a, b, bounds, s);
  if (areas.either > 0.0) return areas.both / areas.either;
  // Nothing inside the bounds is no overlap; nothing anywhere is no answer.
  return exact_areas(a, b, {-kInf, -kInf, kInf, kInf}, s).either > 0.0 ? 0.0 : kNan;
}

double overlap(Outline a, Outline b, const Bounds& bounds, Mode mode, Scratch& scratch) {
  if (!measurable(a) || !measurable(b)) return kNan;
  if (mode == Mode::kExact) return exact_overlap(a, b, bounds, scratch);
  const bool legacy = mode == Mode::kLegacy;
  const Box box_a = crop(bounding_box(a), bounds, legacy), box_b = crop(bounding_box(b), bounds, legacy);
  const Box window{std::min(box_a.left, box_b.left), std::min(box_a.top, box_b.top),
                   std::max(box_a.right, box_b.right), std::max(box_a.bottom, box_b.bottom)};
  const double width = std::trunc(window.right - window.left) + 1.0;
  const double height = std::trunc(window.bottom - window.top) + 1.0;
  const double area_a = box_a.area(), area_b = box_b.area();
  const bool incomparable = area_a / area_b < kSmallestAreaRatio || area_b / area_a < kSmallestAreaRatio;
  if (incomparable || width < 1.0 || height < 1.0 || apart(box_a, box_b)) return 0.0;
  if (width > kLargestWindow || height > kLargestWindow) return exact_overlap(a, b, bounds, scratch);
  place(a, window, legacy, scratch.a);
  place(b, window, legacy, scratch.b);
  const auto columns = static_cast<std::int32_t>(width), rows = static_cast<std::int32_t>(height);
  return two_chains(scratch.a) && two_chains(scratch.b) ? count_two_chains(scratch, legacy, columns, rows)
                                                        : count_any(scratch, legacy, columns, rows);
}

}  // namespace

void overlap_many(const double* points_a, const std::int64_t* starts_a, const double* points_b,
                  const std::int64_t* starts_b, std::int64_t n, const double* bounds, std::int64_t bounds_count,
                  Mode mode, double* out) {
  Scratch scratch;
  for (std::int64_t k = 0; k < n; ++k) {
    const Outline a{points_a + 2 * starts_a[k], starts_a[k + 1] - starts_a[k]};
    const Outline b{points_b + 2 * starts_b[k], starts_b[k + 1] - starts_b[k]};
    const double* limits = bounds + (bounds_count == 1 ? 0 : 4 * k);
    out[k] = overlap(a, b, {limits[0], limits[1], limits[2], limits[3]}, mode, scratch);
  }
}

}  // namespace region
