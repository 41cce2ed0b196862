// Precise RoI pooling on a CPU: the mean of the bilinearly interpolated map over every bin of a box, and its gradients.
// Plain C++17. pysot/models/layers/prroi_pool.py holds the same as matrix products, for every device and precision.
#pragma once

#include <cstdint>

namespace prroi {

// Sizes of one call. Maps are (samples, height, width, channels), channels last; boxes are (samples, boxes, 4), left,
// top, right, bottom in cells of the map; bins are (samples, boxes, rows, columns, channels). All are contiguous.
struct Sizes {
  std::int64_t samples, height, width, channels, boxes, rows, columns;
};

// The mean of every bin; 0 in boxes without area, NaN in boxes that are not finite. T is float or double.
template <typename T>
void forward(const T* map, const T* boxes, const Sizes& sizes, T* bins);

// Gradient of the boxes for the gradient of the bins; 0 for boxes without area.
template <typename T>
void backward_boxes(const T* map, const T* boxes, const T* grad_bins, const Sizes& sizes, T* grad_boxes);

// Gradient of the map for the gradient of the bins.
template <typename T>
void backward_map(const T* boxes, const T* grad_bins, const Sizes& sizes, T* grad_map);

}  // namespace prroi
