"""JPEG 2000 streams by OpenJPEG, with every parameter that its library takes.

The library is the one that comes with Pillow. Structures are those of openjpeg.h of version 2.5.
"""

import ctypes as c
import pathlib

import numpy as np
import PIL


class _Order(c.Structure):
    _fields_ = [
        *((name, c.c_uint32) for name in ("resno0", "compno0", "layno1", "resno1", "compno1")),
        *((name, c.c_uint32) for name in ("layno0", "precno0", "precno1")),
        ("prg1", c.c_int),
        ("prg", c.c_int),
        ("progorder", c.c_char * 5),
        ("rest", c.c_uint32 * 25),
    ]


class _Parameters(c.Structure):
    _fields_ = [
        *((name, c.c_int) for name in ("tile_size_on", "cp_tx0", "cp_ty0", "cp_tdx", "cp_tdy")),
        *((name, c.c_int) for name in ("cp_disto_alloc", "cp_fixed_alloc", "cp_fixed_quality")),
        ("cp_matrice", c.c_void_p),
        ("cp_comment", c.c_void_p),
        ("csty", c.c_int),
        ("prog_order", c.c_int),
        ("orders", _Order * 32),
        ("numpocs", c.c_uint32),
        ("tcp_numlayers", c.c_int),
        ("tcp_rates", c.c_float * 100),
        ("tcp_distoratio", c.c_float * 100),
        *((name, c.c_int) for name in ("numresolution", "cblockw_init", "cblockh_init")),
        *((name, c.c_int) for name in ("mode", "irreversible", "roi_compno", "roi_shift", "res_spec")),
        ("prcw_init", c.c_int * 33),
        ("prch_init", c.c_int * 33),
        ("infile", c.c_char * 4096),
        ("outfile", c.c_char * 4096),
        ("index_on", c.c_int),
        ("index", c.c_char * 4096),
        *((name, c.c_int) for name in ("image_offset_x0", "image_offset_y0")),
        *((name, c.c_int) for name in ("subsampling_dx", "subsampling_dy", "decod_format", "cod_format")),
        # Error protection, which nobody uses.
        ("jpwl", c.c_int * (2 + 5 * 16 + 4 + 2 * 16)),
        ("cp_cinema", c.c_int),
        ("max_comp_size", c.c_int),
        ("cp_rsiz", c.c_int),
        *((name, c.c_char) for name in ("tp_on", "tp_flag", "tcp_mct")),
        ("jpip_on", c.c_int),
        ("mct_data", c.c_void_p),
        ("max_cs_size", c.c_int),
        ("rsiz", c.c_uint16),
    ]


class _ComponentParameters(c.Structure):
    _fields_ = [(name, c.c_uint32) for name in ("dx", "dy", "w", "h", "x0", "y0", "prec", "bpp", "sgnd")]


class _Component(c.Structure):
    _fields_ = [
        *((name, c.c_uint32) for name in ("dx", "dy", "w", "h", "x0", "y0", "prec", "bpp", "sgnd")),
        ("resno_decoded", c.c_uint32),
        ("factor", c.c_uint32),
        ("data", c.POINTER(c.c_int32)),
        ("alpha", c.c_uint16),
    ]


class _Image(c.Structure):
    _fields_ = [
        *((name, c.c_uint32) for name in ("x0", "y0", "x1", "y1", "numcomps")),
        ("color_space", c.c_int),
        ("comps", c.POINTER(_Component)),
        ("icc_profile_buf", c.c_void_p),
        ("icc_profile_len", c.c_uint32),
    ]


_WRITE = c.CFUNCTYPE(c.c_size_t, c.c_void_p, c.c_size_t, c.c_void_p)
_SKIP = c.CFUNCTYPE(c.c_int64, c.c_int64, c.c_void_p)
_SEEK = c.CFUNCTYPE(c.c_int, c.c_int64, c.c_void_p)
_MESSAGE = c.CFUNCTYPE(None, c.c_char_p, c.c_void_p)


def _library():
    folder = pathlib.Path(PIL.__file__).parent.parent / "pillow.libs"
    library = c.CDLL(str(next(folder.glob("libopenjp2*.so*"))))
    library.opj_version.restype = c.c_char_p
    library.opj_create_compress.restype = c.c_void_p
    library.opj_image_create.restype = c.POINTER(_Image)
    library.opj_image_create.argtypes = [c.c_uint32, c.POINTER(_ComponentParameters), c.c_int]
    library.opj_image_destroy.argtypes = [c.POINTER(_Image)]
    library.opj_stream_create.restype = c.c_void_p
    library.opj_stream_create.argtypes = [c.c_size_t, c.c_int]
    for name in ("write", "skip", "seek"):
        getattr(library, f"opj_stream_set_{name}_function").argtypes = [c.c_void_p, c.c_void_p]
    library.opj_stream_destroy.argtypes = [c.c_void_p]
    library.opj_destroy_codec.argtypes = [c.c_void_p]
    library.opj_setup_encoder.argtypes = [c.c_void_p, c.POINTER(_Parameters), c.POINTER(_Image)]
    library.opj_start_compress.argtypes = [c.c_void_p, c.POINTER(_Image), c.c_void_p]
    library.opj_encode.argtypes = [c.c_void_p, c.c_void_p]
    library.opj_end_compress.argtypes = [c.c_void_p, c.c_void_p]
    library.opj_encoder_set_extra_options.argtypes = [c.c_void_p, c.POINTER(c.c_char_p)]
    for name in ("error", "warning"):
        getattr(library, f"opj_set_{name}_handler").argtypes = [c.c_void_p, _MESSAGE, c.c_void_p]
    return library


_lib = _library()
VERSION = _lib.opj_version().decode()
PROGRESSIONS = ("LRCP", "RLCP", "RPCL", "PCRL", "CPRL")


class Refused(Exception):
    """The encoder does not take these parameters."""


def _parameters(options):
    it = _Parameters()
    _lib.opj_set_default_encoder_parameters(c.byref(it))
    # Defaults of the library; if they are elsewhere, the structure is that of another version.
    assert (it.numresolution, it.cblockw_init, it.cblockh_init, it.roi_compno) == (6, 64, 64, -1)
    assert (it.subsampling_dx, it.subsampling_dy, it.cod_format) == (1, 1, -1)
    it.tcp_numlayers = 1
    it.tcp_rates[0] = 0
    it.cp_disto_alloc = 1
    it.numresolution = options.get("levels", 5) + 1
    it.prog_order = PROGRESSIONS.index(options.get("progression", "LRCP"))
    it.irreversible = int(options.get("irreversible", False))
    it.cblockw_init, it.cblockh_init = options.get("block", (64, 64))
    it.mode = options.get("mode", 0)
    it.tcp_mct = int(options.get("mct", False))
    it.csty = 2 * options.get("sop", False) + 4 * options.get("eph", False)
    if "tile" in options:
        it.tile_size_on = 1
        it.cp_tdx, it.cp_tdy = options["tile"]
    it.cp_tx0, it.cp_ty0 = options.get("tile_offset", (0, 0))
    it.image_offset_x0, it.image_offset_y0 = options.get("offset", (0, 0))
    for place, (width, height) in enumerate(options.get("precincts", ())):
        it.csty |= 1
        it.res_spec = place + 1
        it.prcw_init[place], it.prch_init[place] = width, height
    for place, rate in enumerate(options.get("rates", ())):
        it.tcp_numlayers = place + 1
        it.tcp_rates[place] = rate
    if "roi" in options:
        it.roi_compno, it.roi_shift = options["roi"]
    if "tile_parts" in options:
        it.tp_on, it.tp_flag = 1, options["tile_parts"].encode()
    for place, (resolution, component, layer, resolutions, components, order) in enumerate(
        options.get("orders", ())
    ):
        each = it.orders[place]
        each.resno0, each.compno0 = resolution, component
        each.layno1, each.resno1, each.compno1 = layer, resolutions, components
        each.prg1 = PROGRESSIONS.index(order)
        each.progorder = order.encode()
        # The tile, from 1 on.
        each.rest[0] = 1
        it.numpocs = place + 1
    return it


def encode(picture, bits, signed, **options):
    """The stream of a picture of rows, columns and components; `jp2` wraps it in a file."""
    rows, columns, components = picture.shape
    it = _parameters(options)
    left, top = it.image_offset_x0, it.image_offset_y0
    each = (_ComponentParameters * components)(
        *(_ComponentParameters(1, 1, columns, rows, left, top, bits, bits, int(signed)),) * components
    )
    image = _lib.opj_image_create(components, each, 1 if components == 3 else 2)
    image.contents.x0, image.contents.y0 = left, top
    image.contents.x1, image.contents.y1 = left + columns, top + rows
    for place in range(components):
        plane = np.ascontiguousarray(picture[:, :, place], dtype=np.int32)
        c.memmove(image.contents.comps[place].data, plane.ctypes.data, plane.nbytes)
    out = bytearray()
    at = 0
    said = []

    def write(data, count, _):
        nonlocal at
        out[at : at + count] = c.string_at(data, count)
        at += count
        return count

    def skip(count, _):
        nonlocal at
        out.extend(bytes(max(at + count - len(out), 0)))
        at += count
        return count

    def seek(place, _):
        nonlocal at
        at = place
        return 1

    calls = _WRITE(write), _SKIP(skip), _SEEK(seek)
    listen = _MESSAGE(lambda text, _: said.append(text.decode().strip()))
    stream = _lib.opj_stream_create(1 << 20, 0)
    for name, call in zip(("write", "skip", "seek"), calls):
        getattr(_lib, f"opj_stream_set_{name}_function")(stream, c.cast(call, c.c_void_p))
    codec = c.c_void_p(_lib.opj_create_compress(2 if options.get("jp2") else 0))
    _lib.opj_set_error_handler(codec, listen, None)
    _lib.opj_set_warning_handler(codec, listen, None)
    try:
        done = _lib.opj_setup_encoder(codec, c.byref(it), image)
        extra = options.get("extra", ())
        if done and extra:
            names = (c.c_char_p * (len(extra) + 1))(*(each.encode() for each in extra), None)
            done = _lib.opj_encoder_set_extra_options(codec, names)
        done = (
            done
            and _lib.opj_start_compress(codec, image, stream)
            and _lib.opj_encode(codec, stream)
            and _lib.opj_end_compress(codec, stream)
        )
    finally:
        _lib.opj_stream_destroy(stream)
        _lib.opj_destroy_codec(codec)
        _lib.opj_image_destroy(image)
    if not done:
        raise Refused("; ".join(said) or "no reason given")
    return bytes(out)
