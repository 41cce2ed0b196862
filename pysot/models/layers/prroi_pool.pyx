# cython: boundscheck=True, wraparound=False, show_performance_hints=False
"""Binding of csrc/prroi_pool.cpp; `pysot.models.layers.prroi_pool` is the way in.

Arrays are C-contiguous and of one precision: maps (samples, height, width, channels), boxes (samples, boxes, 4) in
cells of the map, bins (samples, boxes, rows, columns, channels). None may be empty.
"""

from libc.stdint cimport int64_t


cdef extern from "prroi_pool.h" namespace "prroi" nogil:
    cdef struct Sizes:
        int64_t samples, height, width, channels, boxes, rows, columns
    void c_forward "prroi::forward"[T](const T* map, const T* boxes, const Sizes& sizes, T* bins) except +
    void c_backward_boxes "prroi::backward_boxes"[T](
        const T* map, const T* boxes, const T* grad_bins, const Sizes& sizes, T* grad_boxes) except +
    void c_backward_map "prroi::backward_map"[T](
        const T* boxes, const T* grad_bins, const Sizes& sizes, T* grad_map) except +

ctypedef fused real:
    float
    double


cdef Sizes sizes_of(const real[:, :, :, ::1] cells, const real[:, :, ::1] boxes,
                    const real[:, :, :, :, ::1] bins) except *:
    """The sizes of a call. Raises `ValueError` where they differ, so that the C++ side stays inside the arrays."""
    cdef Sizes s
    s.samples, s.height, s.width, s.channels = cells.shape[0], cells.shape[1], cells.shape[2], cells.shape[3]
    s.boxes, s.rows, s.columns = boxes.shape[1], bins.shape[2], bins.shape[3]
    if (boxes.shape[0] != s.samples or bins.shape[0] != s.samples or bins.shape[1] != s.boxes
            or boxes.shape[2] != 4 or bins.shape[4] != s.channels):
        raise ValueError("map, boxes and bins must agree in samples, boxes and channels.")
    if min(s.samples, s.height, s.width, s.channels, s.boxes, s.rows, s.columns) < 1:
        raise ValueError("map, boxes and bins must not be empty.")
    return s


def forward(const real[:, :, :, ::1] cells, const real[:, :, ::1] boxes, real[:, :, :, :, ::1] bins):
    """Fills `bins` with the means of the map `cells`, without holding the interpreter lock."""
    cdef Sizes s = sizes_of[real](cells, boxes, bins)
    with nogil:
        c_forward(&cells[0, 0, 0, 0], &boxes[0, 0, 0], s, &bins[0, 0, 0, 0, 0])


def backward_boxes(const real[:, :, :, ::1] cells, const real[:, :, ::1] boxes,
                   const real[:, :, :, :, ::1] grad_bins, real[:, :, ::1] grad_boxes):
    """Fills `grad_boxes`, of the shape of `boxes`."""
    cdef Sizes s = sizes_of[real](cells, boxes, grad_bins)
    if grad_boxes.shape[0] != s.samples or grad_boxes.shape[1] != s.boxes or grad_boxes.shape[2] != 4:
        raise ValueError("grad_boxes must have the shape of boxes.")
    with nogil:
        c_backward_boxes(&cells[0, 0, 0, 0], &boxes[0, 0, 0], &grad_bins[0, 0, 0, 0, 0], s, &grad_boxes[0, 0, 0])


def backward_map(const real[:, :, ::1] boxes, const real[:, :, :, :, ::1] grad_bins, real[:, :, :, ::1] grad_cells):
    """Fills `grad_cells`, of the shape of the map."""
    cdef Sizes s = sizes_of[real](grad_cells, boxes, grad_bins)
    with nogil:
        c_backward_map(&boxes[0, 0, 0], &grad_bins[0, 0, 0, 0, 0], s, &grad_cells[0, 0, 0, 0])
