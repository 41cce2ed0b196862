// Overlap (intersection over union) of polygons: VOT's two rasterizations and the exact, continuous one.
// Plain C++17. toolkit/regions/kernels.py holds the same operations in the same order for machines without a
// compiler; a test compares the two bit for bit, so a change here is a change there.
#pragma once

#include <cstdint>

namespace region {

enum class Mode : int {
  kRaster = 0,  // vertices rounded, spans inclusive (VOT toolkit, region.c with flags = 0)
  kLegacy = 1,  // no rounding, half-open rows and columns (VOT toolkit before 2015)
  kExact = 2,   // continuous areas, even-odd rule
};

// The part of the plane that counts; infinite where there is no limit.
struct Bounds {
  double left, top, right, bottom;
};

// A closed polygon: `count` vertices x0, y0, x1, y1, ... in pixels.
struct Outline {
  const double* xy;
  std::int64_t count;
};

// Overlap of n pairs of polygons, in [0, 1]; NaN when neither of the two has an area, or when a coordinate is not
// finite or larger than 1e18. Polygon k of a side owns the vertices starts[k] ... starts[k + 1] - 1 of `points`.
// bounds holds left, top, right, bottom of every pair, or of all of them when bounds_count is 1.
void overlap_many(const double* points_a, const std::int64_t* starts_a, const double* points_b,
                  const std::int64_t* starts_b, std::int64_t n, const double* bounds, std::int64_t bounds_count,
                  Mode mode, double* out);

}  // namespace region
