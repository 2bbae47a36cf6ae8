"""JPEG-LS streams by CharLS: every order of components, every near value, preset coding parameters.

The library is the one that comes with pyjpegls. Structures are those of CharLS 2, API of version 1.
"""

import ctypes as c

import _CharLS
import numpy as np


class _Parameters(c.Structure):
    _fields_ = [
        *((name, c.c_int32) for name in ("width", "height", "bits", "stride", "components", "near")),
        ("interleave", c.c_int),
        ("transform", c.c_int),
        ("bgr", c.c_char),
        *((name, c.c_int32) for name in ("largest", "t1", "t2", "t3", "reset")),
        ("jfif", c.c_int32 * 6),
        ("thumbnail", c.c_void_p),
    ]


_lib = c.CDLL(_CharLS.__file__)
PLANES, LINES, SAMPLES = range(3)


class Refused(Exception):
    """The encoder does not take these parameters."""


def _order(picture, interleave):
    """CharLS takes planes, or for the other two orders pixels."""
    return picture.transpose(2, 0, 1) if interleave == PLANES else picture


def encode(picture, bits, near=0, interleave=PLANES, presets=(0, 0, 0, 0)):
    """The stream of a picture of rows, columns and components; presets are T1, T2, T3 and RESET.

    MAXVAL stays the largest number of the depth: CharLS writes another one down, but codes as if it were not there.
    """
    rows, columns, components = picture.shape
    it = _Parameters(columns, rows, bits, 0, components, near, interleave)
    if any(presets):
        it.largest = (1 << bits) - 1
        it.t1, it.t2, it.t3, it.reset = presets
    kind = np.uint8 if bits <= 8 else np.uint16
    source = np.ascontiguousarray(_order(picture, interleave).astype(kind))
    room = c.create_string_buffer(source.nbytes * 3 + 4096)
    size, said = c.c_size_t(), c.create_string_buffer(256)
    failed = _lib.JpegLsEncode(
        room, c.c_size_t(len(room)), c.byref(size), c.c_void_p(source.ctypes.data), c.c_size_t(source.nbytes),
        c.byref(it), said,
    )
    if failed:
        raise Refused(said.value.decode() or f"error {failed}")
    return room.raw[: size.value]


def decode(stream, shape, bits, interleave=PLANES):
    """What CharLS itself makes of a stream."""
    rows, columns, components = shape
    order = (components, rows, columns) if interleave == PLANES else shape
    out = np.zeros(order, np.uint8 if bits <= 8 else np.uint16)
    it = _Parameters()
    said = c.create_string_buffer(256)
    failed = _lib.JpegLsReadHeader(stream, c.c_size_t(len(stream)), c.byref(it), said)
    it.stride = 0
    failed = failed or _lib.JpegLsDecode(
        c.c_void_p(out.ctypes.data), c.c_size_t(out.nbytes), stream, c.c_size_t(len(stream)), c.byref(it), said
    )
    assert not failed, said.value
    assert (it.width, it.height, it.bits, it.components) == (columns, rows, bits, components)
    return (out.transpose(1, 2, 0) if interleave == PLANES else out).astype(np.int64)
