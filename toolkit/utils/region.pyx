# cython: boundscheck=True, wraparound=False
"""Binding of csrc/region.cpp; `toolkit.regions.overlap` is the way in, with checks and conversions."""

from libc.stdint cimport int64_t


cdef extern from "region.h" namespace "region" nogil:
    cdef enum class Mode(int):
        pass
    void c_overlap_many "region::overlap_many"(
        const double* points_a, const int64_t* starts_a, const double* points_b, const int64_t* starts_b,
        int64_t n, const double* bounds, int64_t bounds_count, Mode mode, double* out) except +


cdef bint fits(const double[:, ::1] points, const int64_t[::1] starts, Py_ssize_t n):
    """Whether `starts` names n polygons inside `points`, so that the C++ side reads nothing else."""
    cdef Py_ssize_t k
    if starts.shape[0] != n + 1 or points.shape[1] != 2 or starts[0] < 0 or starts[n] > points.shape[0]:
        return False
    for k in range(n):
        if starts[k + 1] < starts[k]:
            return False
    return True


def overlap_many(const double[:, ::1] points_a, const int64_t[::1] starts_a,
                 const double[:, ::1] points_b, const int64_t[::1] starts_b,
                 const double[:, ::1] bounds, int mode, double[::1] out):
    """Overlap of n pairs of polygons into `out` (n,), without holding the interpreter lock.

    `points_*` (M, 2) holds the vertices of all polygons of a side and `starts_*` (n + 1,) where each one begins;
    `bounds` (n, 4) or (1, 4) is left, top, right, bottom; `mode` 0 raster, 1 legacy, 2 exact (csrc/region.h).
    """
    cdef int64_t n = out.shape[0], bounds_count = bounds.shape[0]
    cdef const double* a = NULL
    cdef const double* b = NULL
    if not fits(points_a, starts_a, n) or not fits(points_b, starts_b, n):
        raise ValueError(f"starts_a and starts_b must name {n} polygons inside points_a and points_b.")
    if bounds.shape[1] != 4 or (bounds_count != 1 and bounds_count != n) or not 0 <= mode <= 2:
        raise ValueError(f"bounds must be (1, 4) or ({n}, 4) and mode 0, 1 or 2.")
    if n == 0 or points_a.shape[0] == 0 or points_b.shape[0] == 0:
        out[:] = float("nan")
        return
    a, b = &points_a[0, 0], &points_b[0, 0]
    with nogil:
        c_overlap_many(a, &starts_a[0], b, &starts_b[0], n, &bounds[0, 0], bounds_count, <Mode>mode, &out[0])
