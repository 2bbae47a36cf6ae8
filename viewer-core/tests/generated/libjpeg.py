"""JPEG streams by libjpeg-turbo: DCT of 8 and 12 bits and lossless of 2 to 16, with restarts and scans of any kind.

The library is the one that comes with Pillow. Structures are those of jpeglib.h of libjpeg-turbo 3.1, API 6.2, with
pointers of 8 bytes. A parameter that the library does not take ends the program.
"""

import ctypes as c
import pathlib

import numpy as np
import PIL


class _Component(c.Structure):
    _fields_ = [
        *((name, c.c_int) for name in ("id", "index", "h", "v", "quant", "dc", "ac")),
        ("rest", c.c_ubyte * 68),
    ]


class _Scan(c.Structure):
    _fields_ = [
        ("count", c.c_int),
        ("components", c.c_int * 4),
        *((name, c.c_int) for name in ("start", "end", "high", "low")),
    ]


class _Compress(c.Structure):
    _fields_ = [
        *((name, c.c_void_p) for name in ("err", "mem", "progress", "client_data")),
        *((name, c.c_int) for name in ("is_decompressor", "global_state")),
        ("dest", c.c_void_p),
        *((name, c.c_uint) for name in ("image_width", "image_height")),
        *((name, c.c_int) for name in ("input_components", "in_color_space")),
        ("input_gamma", c.c_double),
        *((name, c.c_int) for name in ("data_precision", "num_components", "jpeg_color_space")),
        ("comp_info", c.POINTER(_Component)),
        ("tables", c.c_void_p * 12),
        ("arithmetic", c.c_ubyte * 48),
        ("num_scans", c.c_int),
        ("scan_info", c.POINTER(_Scan)),
        *((name, c.c_int) for name in ("raw_data_in", "arith_code", "optimize_coding", "ccir601_sampling")),
        *((name, c.c_int) for name in ("smoothing_factor", "dct_method")),
        ("restart_interval", c.c_uint),
        ("restart_in_rows", c.c_int),
        ("write_jfif", c.c_int),
        ("jfif", c.c_ubyte * 8),
        ("write_adobe", c.c_int),
        ("rest", c.c_ubyte * 216),
    ]


assert c.sizeof(_Compress) == 520 and _Compress.restart_interval.offset == 280
assert c.sizeof(_Component) == 96 and c.sizeof(_Scan) == 36 and _Compress.scan_info.offset == 248


def _library():
    folder = pathlib.Path(PIL.__file__).parent.parent / "pillow.libs"
    library = c.CDLL(str(next(folder.glob("libjpeg*.so*"))))
    library.jpeg_std_error.restype = c.c_void_p
    library.jpeg_set_quality.argtypes = [c.c_void_p, c.c_int, c.c_int]
    return library


_lib = _library()
# The second pointer of jpeg_error_mgr: warnings and traces, of which nobody needs to hear.
_SILENT = c.CFUNCTYPE(None, c.c_void_p, c.c_int)(lambda _, __: None)
GREY, RGB, YBR = 1, 2, 3


def encode(picture, bits, space=GREY, **options):
    """The stream of a picture of rows, columns and components; nothing is converted: `space` is what it is.

    `predictor` and `point` make it lossless, `quality`, `sampling`, `progressive` and `optimize` are of the DCT, as is
    `wide`, which allows steps above 255;
    `restart_blocks` and `restart_rows` are intervals of MCUs and of rows of them; `scans` lists places of components,
    one list a scan; `adobe` and `jfif` say which segments it begins with; `names` are those of the components.
    """
    rows, columns, components = picture.shape
    it = _Compress()
    errors = c.create_string_buffer(168)
    it.err = _lib.jpeg_std_error(errors)
    c.c_void_p.from_buffer(errors, 8).value = c.cast(_SILENT, c.c_void_p).value
    at = c.byref(it)
    _lib.jpeg_CreateCompress(at, 62, c.c_size_t(520))
    buffer, size = c.c_void_p(), c.c_ulong()
    _lib.jpeg_mem_dest(at, c.byref(buffer), c.byref(size))
    it.image_width, it.image_height = columns, rows
    it.input_components, it.in_color_space = components, space
    it.data_precision = bits
    _lib.jpeg_set_defaults(at)
    it.data_precision = bits
    _lib.jpeg_set_colorspace(at, space)
    lossless = "predictor" in options
    if lossless:
        _lib.jpeg_enable_lossless(at, options["predictor"], options.get("point", 0))
    else:
        _lib.jpeg_set_quality(at, options.get("quality", 95), int(not options.get("wide")))
        for place, (h, v) in enumerate(options.get("sampling", ())):
            it.comp_info[place].h, it.comp_info[place].v = h, v
        if options.get("progressive"):
            _lib.jpeg_simple_progression(at)
        it.optimize_coding = int(options.get("optimize", False))
    for place, name in enumerate(options.get("names", ())):
        it.comp_info[place].id = name
    scans = options.get("scans", ())
    if scans:
        each = (_Scan * len(scans))()
        for scan, places in zip(each, scans):
            scan.count = len(places)
            scan.components[: len(places)] = list(places)
            scan.start, scan.end = (options["predictor"], 0) if lossless else (0, 63)
            scan.low = options.get("point", 0) if lossless else 0
        it.num_scans = len(scans)
        it.scan_info = c.cast(each, c.POINTER(_Scan))
    it.restart_interval = options.get("restart_blocks", 0)
    it.restart_in_rows = options.get("restart_rows", 0)
    if "jfif" in options:
        it.write_jfif = int(options["jfif"])
    if "adobe" in options:
        it.write_adobe = int(options["adobe"])
    _lib.jpeg_start_compress(at, 1)
    kind = np.uint8 if bits <= 8 else np.uint16
    lines = np.ascontiguousarray(picture.astype(kind))
    name = "jpeg" if bits <= 8 else "jpeg12" if bits <= 12 else "jpeg16"
    write = getattr(_lib, f"{name}_write_scanlines")
    for line in lines:
        pointer = c.c_void_p(line.ctypes.data)
        assert write(at, c.byref(pointer), 1) == 1
    _lib.jpeg_finish_compress(at)
    stream = c.string_at(buffer, size.value)
    _lib.jpeg_destroy_compress(at)
    c.CDLL(None).free(buffer)
    return stream
