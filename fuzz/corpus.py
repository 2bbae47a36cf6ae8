"""Writes what fuzzing begins with: `corpus.py FOLDER STREAMS [SAMPLES]`, a folder for each target.

STREAMS is the file of `viewer-core/tests/generated/make.py`; SAMPLES a folder of DICOM files, real ones where there are any.
What a target reads stands in `src/lib.rs` and in the targets.
"""

import hashlib
import io
import json
import pathlib
import sys

import pydicom
from pydicom.encaps import generate_frames

# Larger seeds would make every run of a target slow.
MOST_BYTES = 96 << 10
# Real frames are larger than made-up ones; few of them do.
MOST_REAL = 24
TARGETS = {
    "jpeg-ls": "jpeg_ls", "jpeg lossless": "jpeg", "jpeg": "jpeg", "jpeg 2000": "jpeg2000", "htj2k": "high_throughput",
    "jpeg xl": "jpeg_xl", "jpeg in jpeg xl": "jpeg_xl", "rle": "rle", "deflated": "deflated",
}
SYNTAXES = {
    "1.2.840.10008.1.2": "native", "1.2.840.10008.1.2.1": "native", "1.2.840.10008.1.2.2": "native",
    "1.2.840.10008.1.2.5": "rle", "1.2.840.10008.1.2.8.1": "deflated",
}
# As in src/lib.rs.
DEPTHS = [
    (8, 8, 7), (16, 16, 15), (16, 12, 11), (16, 10, 9), (16, 12, 15), (8, 6, 5), (1, 1, 0), (32, 32, 31), (32, 24, 27),
]


def target_of(syntax):
    """The target that reads a transfer syntax."""
    if syntax in SYNTAXES:
        return SYNTAXES[syntax]
    last = int(syntax.rsplit(".", 1)[1])
    if not syntax.startswith("1.2.840.10008.1.2.4."):
        return None
    for numbers, target in (
        (range(50, 71), "jpeg"), (range(80, 82), "jpeg_ls"), (range(90, 94), "jpeg2000"), (range(110, 113), "jpeg_xl"),
        (range(201, 204), "high_throughput"),
    ):
        if last in numbers:
            return target
    return None


def shape(rows, columns, allocated, stored, high_bit, signed, planar, color, other, second):
    """The attributes before a frame."""
    depths = [index for index, depth in enumerate(DEPTHS) if depth == (allocated, stored, high_bit)]
    depths += [index for index, depth in enumerate(DEPTHS) if depth[0] == allocated]
    flags = signed | planar << 1 | color << 2 | other << 3 | second << 5
    return rows.to_bytes(2, "little") + columns.to_bytes(2, "little") + bytes([(depths or [0])[0], flags])


class Corpus:
    """Seeds by target; equal ones are written once."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.counts = {}

    def add(self, target, seed):
        """Writes a seed that is not too large; true where it was new."""
        path = self.folder / target / hashlib.sha1(seed).hexdigest()
        if len(seed) > MOST_BYTES or path.exists():
            return False
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(seed)
        self.counts[target] = self.counts.get(target, 0) + 1
        return True


def generated(corpus, path):
    """Streams of other makers' encoders."""
    data = pathlib.Path(path).read_bytes()
    size = int.from_bytes(data[8:16], "little")
    manifest = json.loads(data[16 : 16 + size])
    rest = memoryview(data)[16 + size :]
    for entry in manifest["streams"]:
        target = target_of(entry["syntax"])
        at, length = entry["stream"]
        expected_at, expected_length = entry["expected"]
        other = entry["photometric"].startswith("YBR_FULL")
        head = shape(
            entry["rows"], entry["columns"], entry["allocated"], entry["stored"], entry["high_bit"], entry["signed"],
            entry["planar"], entry["samples"] == 3, other, entry["syntax"].endswith(".111"),
        )
        corpus.add(target, head + bytes(rest[at : at + length]))
        if entry["allocated"] != 1 and expected_length < 4096:
            corpus.add("native", head + bytes(rest[expected_at : expected_at + expected_length]))


def real(corpus, folder):
    """Frames, headers and whole files of a folder."""
    frames = {}
    for path in sorted(pathlib.Path(folder).rglob("*.dcm")):
        whole = path.read_bytes()
        for target in ("part10", "stored"):
            corpus.add(target, whole[: 16 << 10])
        try:
            dataset = pydicom.dcmread(io.BytesIO(whole), force=True)
            of_file(corpus, dataset, frames)
        except Exception as error:  # Broken files are among them on purpose.
            print(f"{path.name}: {type(error).__name__}")


def of_file(corpus, dataset, frames):
    """One file: its header as DICOM JSON, its first frame, a small file of it."""
    syntax = str(dataset.file_meta.TransferSyntaxUID)
    has_pixels = "PixelData" in dataset
    pixels = dataset.PixelData if has_pixels else b""
    count = int(dataset.get("NumberOfFrames") or 1)
    if has_pixels:
        element = dataset["PixelData"]
        is_encapsulated = dataset.file_meta.TransferSyntaxUID.is_encapsulated
        frame = next(generate_frames(pixels, number_of_frames=count)) if is_encapsulated else pixels[: len(pixels) // count]
        target = target_of(syntax)
        head = shape(
            dataset.Rows, dataset.Columns, dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit,
            dataset.PixelRepresentation, dataset.get("PlanarConfiguration") or 0, dataset.SamplesPerPixel == 3,
            str(dataset.PhotometricInterpretation).startswith(("YBR_FULL", "PALETTE")),
            syntax.endswith((".111", "1.2.2")),
        )
        if target and frames.get(target, 0) < MOST_REAL and corpus.add(target, head + frame):
            frames[target] = frames.get(target, 0) + 1
        boundary = b'multipart/related; type="application/octet-stream"; transfer-syntax=' + syntax.encode() + b"; boundary=b\n"
        part = b"--b\r\nContent-Type: application/octet-stream; transfer-syntax=" + syntax.encode()
        corpus.add("multipart", boundary + part + b"\r\n\r\n" + frame[:200] + b"\r\n--b--\r\n")
        length = str(len(frame[:200])).encode()
        part = b"\r\n--b\nContent-Length: " + length + b"\n\n" + frame[:200]
        corpus.add("multipart", boundary + part + part + b"\r\n--b--")
        element.value = frame[:64] if not is_encapsulated else pixels[:400]
    small = io.BytesIO()
    pydicom.dcmwrite(small, dataset, enforce_file_format=False)
    for target in ("part10", "stored"):
        corpus.add(target, small.getvalue())
    if has_pixels:
        del dataset.PixelData
    corpus.add("dicom_json", f"[{dataset.to_json(suppress_invalid_tags=True)}]".encode())


def by_hand(corpus):
    """What no file shows."""
    corpus.add("dicom_json", b"PatientName=A*\nStudyDate=20200101-20210101\nlimit=5\nincludefield=all\norderby=-StudyDate\n")
    corpus.add("multipart", b"application/octet-stream\nabc")
    corpus.add("multipart", b'multipart/related; boundary="a b"\n\r\n--a b\r\nContent-Type: image/jls\r\n\r\nx\r\n--a b--')


def main(folder, streams, samples=None):
    corpus = Corpus(folder)
    generated(corpus, streams)
    if samples:
        real(corpus, samples)
    by_hand(corpus)
    print(", ".join(f"{target} {count}" for target, count in sorted(corpus.counts.items())))


if __name__ == "__main__":
    main(*sys.argv[1:])
