"""Asks a gateway by PyPI's dicomweb-client, and compares what comes with what pydicom reads from the files.

client_calls.py ROOT STORES FOLDER...    ROOT as http://host:port/dicomweb; STORES: yes or no

Prints the number of different calls, or fails at the first that is wrong.
"""

import copy
import io
import pathlib
import re
import sys
import unicodedata
from urllib.parse import urljoin

import numpy
import pydicom
import requests
from dicomweb_client.api import DICOMwebClient
from PIL import Image
from pydicom.datadict import tag_for_keyword
from pydicom.encaps import get_frame
from pydicom.uid import ExplicitVRLittleEndian, RLELossless, generate_uid

ROOT, STORES, FOLDERS = sys.argv[1], sys.argv[2] == "yes", sys.argv[3:]
client = DICOMwebClient(ROOT)
client.set_http_retry_params(retry=False)
calls = set()


def call(name, *arguments, **named):
    """Makes a call of the client's, and remembers that it was made."""
    calls.add((name, repr(arguments), repr(sorted(named.items()))))
    answer = getattr(client, name)(*arguments, **named)
    return list(answer) if name.startswith("iter_") else answer


def check(condition, *what):
    if not condition:
        raise SystemExit(f"wrong: {what}")


def equal(found, expected, *what):
    check(found == expected, what, "found", found, "expected", expected)


def refused(status, name, *arguments, **named):
    try:
        call(name, *arguments, **named)
    except requests.HTTPError as error:
        equal(error.response.status_code, status, name, arguments)
    else:
        raise SystemExit(f"not refused: {name} {arguments}")


class File:
    """A file as pydicom reads it."""

    def __init__(self, path):
        self.path = path
        self.set = pydicom.dcmread(path)
        self.uids = (
            str(self.set.StudyInstanceUID),
            str(self.set.SeriesInstanceUID),
            str(self.set.SOPInstanceUID),
        )

    def text(self, keyword):
        value = self.set.get(keyword)
        return "" if value is None else str(value)


def files():
    """Of several files of one instance the last one counts."""
    found = {}
    for folder in FOLDERS:
        for path in sorted(pathlib.Path(folder).rglob("*")):
            if path.is_file() and path.name != "DICOMDIR":
                try:
                    file = File(path)
                except (pydicom.errors.InvalidDicomError, AttributeError):
                    continue
                found[file.uids] = file
    return list(found.values())


FILES = files()
check(len(FILES) >= 20, "files", len(FILES))


def of_level(some, level):
    """UIDs of the studies, series or instances of some files."""
    return {file.uids[level] for file in some}


def uids(answer, level):
    keyword = ["StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"][level]
    tag = f"{tag_for_keyword(keyword):08X}"
    return [item[tag]["Value"][0] for item in answer]


def value(item, keyword):
    return item.get(f"{tag_for_keyword(keyword):08X}", {}).get("Value", [None])[0]


SEARCHES = ["search_for_studies", "search_for_series", "search_for_instances"]


def search(level, keep, *arguments, **named):
    """A search finds those of the files of which `keep` holds, each once."""
    named.setdefault("limit", 5000)
    found = uids(call(SEARCHES[level], *arguments, **named), level)
    equal(len(found), len(set(found)), "twice", level, named)
    equal(set(found), of_level(filter(keep, FILES), level), level, arguments, named)
    return found


def plain(text):
    """Without case and accents."""
    text = unicodedata.normalize("NFKD", text)
    return "".join(c for c in text if not unicodedata.combining(c)).casefold()


def first(modality, frames=1):
    """An uncompressed instance of the three made-up studies of `phantom::three`."""
    for file in FILES:
        count = int(file.set.get("NumberOfFrames", 1) or 1)
        is_plain = file.set.file_meta.TransferSyntaxUID == ExplicitVRLittleEndian
        is_made = file.text("PatientID") == "EX-THREE"
        if is_made and is_plain and file.text("Modality") == modality and count >= frames:
            return file
    raise SystemExit(f"no {modality}")


CT, CINE = first("CT"), first("US", 2)
STUDY, SERIES, INSTANCE = CT.uids


def studies_are_found():
    by = lambda keyword, test: lambda file: test(file.text(keyword))
    name, number = CT.text("PatientName"), CT.text("AccessionNumber")
    patient, day = CT.text("PatientID"), CT.text("StudyDate")
    search(0, lambda file: True)
    exact = lambda text: lambda it: it == text
    for keyword, wanted, test in [
        ("PatientID", patient, exact(patient)),
        ("PatientID", "EX-*", lambda it: it.startswith("EX-")),
        ("PatientID", "EX-THRE?", lambda it: re.fullmatch("EX-THRE.", it)),
        ("PatientName", name, exact(name)),
        ("PatientName", "Example*", lambda it: plain(it).startswith("example")),
        ("PatientName", "*Ada", lambda it: plain(it).endswith("ada")),
        ("PatientName", "?xample^Ada", lambda it: re.fullmatch(".xample\\^ada", plain(it))),
        ("PatientName", "EXAMPLE^ADA", lambda it: plain(it) == "example^ada"),
        ("PatientName", "tiny^theo", lambda it: plain(it) == "tiny^theo"),
        ("AccessionNumber", number, exact(number)),
        ("AccessionNumber", "B*", lambda it: plain(it).startswith("b")),
        ("StudyDate", day, exact(day)),
        ("StudyDate", "20260101-20261231", lambda it: "20260101" <= it <= "20261231"),
        ("StudyDate", "20260602-", lambda it: it >= "20260602"),
        ("StudyDate", "-20200101", lambda it: it and it <= "20200101"),
        ("StudyDescription", "*chest*", lambda it: "chest" in plain(it)),
        ("PatientBirthDate", "19650314", exact("19650314")),
        ("PatientSex", "O", exact("O")),
        ("ModalitiesInStudy", "US", None),
        ("Modality", "DX", exact("DX")),
        ("StudyInstanceUID", STUDY, exact(STUDY)),
        ("00100020", patient, None),
        ("PatientID", "NOBODY-HAS-THIS", lambda it: False),
    ]:
        keep = by(keyword, test) if test else None
        if keyword == "ModalitiesInStudy":
            keep = by("Modality", exact(wanted))
        if keyword == "00100020":
            keep = by("PatientID", exact(patient))
        search(0, keep, search_filters={keyword: wanted})
    two = {STUDY, CINE.uids[0]}
    search(0, lambda file: file.uids[0] in two, search_filters={"StudyInstanceUID": ",".join(sorted(two))})
    search(
        0,
        lambda file: file.text("PatientID") == patient and file.text("Modality") == "CT",
        search_filters={"PatientID": patient, "ModalitiesInStudy": "CT"},
    )
    search(
        0,
        lambda file: {"ada", "example"} <= set(plain(file.text("PatientName")).replace("^", " ").split()),
        fuzzymatching=True,
        search_filters={"PatientName": "ada example"},
    )


def pages_are_all():
    everything = of_level(FILES, 0)
    pages = []
    while True:
        page = uids(call("search_for_studies", limit=2, offset=len(pages)), 0)
        pages += page
        if len(page) < 2:
            break
    equal((len(pages), set(pages)), (len(everything), everything), "pages")
    found = uids(call("search_for_studies", limit=3, get_remaining=True), 0)
    equal(sorted(found), sorted(everything), "all that remain")
    equal(call("search_for_studies", limit=1, offset=100000), [], "beyond the end")


def counts_are_right():
    for item in call("search_for_studies", limit=4999):
        study = uids([item], 0)[0]
        own = [file for file in FILES if file.uids[0] == study]
        equal(value(item, "NumberOfStudyRelatedSeries"), len(of_level(own, 1)), study)
        equal(value(item, "NumberOfStudyRelatedInstances"), len(own), study)
        modalities = item["00080061"].get("Value", [])
        equal(set(modalities), {file.text("Modality") for file in own} - {""}, study)
    for item in call("search_for_series", limit=4999):
        own = [file for file in FILES if file.uids[1] == uids([item], 1)[0]]
        equal(value(item, "NumberOfSeriesRelatedInstances"), len(own), "series")


def series_and_instances_are_found():
    search(1, lambda file: True)
    search(1, lambda file: file.uids[0] == STUDY, STUDY)
    search(2, lambda file: True)
    search(2, lambda file: file.uids[0] == STUDY, STUDY)
    search(2, lambda file: file.uids[:2] == CT.uids[:2], STUDY, SERIES)
    same = lambda keyword, text: lambda file: file.text(keyword) == text
    is_number = lambda keyword, number: lambda file: file.set.get(keyword) == number
    patient, sop_class = CT.text("PatientID"), CT.text("SOPClassUID")
    for level, keyword, wanted, keep in [
        (1, "Modality", "US", same("Modality", "US")),
        (1, "SeriesInstanceUID", SERIES, lambda file: file.uids[1] == SERIES),
        (1, "SeriesNumber", "1", is_number("SeriesNumber", 1)),
        (1, "SeriesDescription", "CT*", lambda file: plain(file.text("SeriesDescription")).startswith("ct")),
        (1, "BodyPartExamined", "CHEST", same("BodyPartExamined", "CHEST")),
        (1, "PatientID", patient, same("PatientID", patient)),
        (2, "SOPInstanceUID", INSTANCE, lambda file: file.uids[2] == INSTANCE),
        (2, "SOPClassUID", sop_class, same("SOPClassUID", sop_class)),
        (2, "InstanceNumber", "2", is_number("InstanceNumber", 2)),
        (2, "PatientID", patient, same("PatientID", patient)),
        (2, "Modality", "DX", same("Modality", "DX")),
    ]:
        search(level, keep, search_filters={keyword: wanted})
    keep = lambda file: file.uids[:2] == CT.uids[:2] and file.set.InstanceNumber == 3
    search(2, keep, STUDY, SERIES, search_filters={"InstanceNumber": "3"})
    search(1, lambda file: file.uids[0] == STUDY and file.text("Modality") == "CT", STUDY, search_filters={"Modality": "CT"})
    page = [call("search_for_instances", STUDY, SERIES, limit=1, offset=n) for n in range(3)]
    numbers = [value(one[0], "InstanceNumber") for one in page]
    equal(numbers, [1, 2, 3], "instances come in their order")


def more_fields_come():
    item = call("search_for_studies", fields=["PatientComments", "00081048"], limit=4998)
    check(len(item) > 0, "fields")
    (item,) = call("search_for_series", STUDY, fields=["ManufacturerModelName", "00080070"])
    equal(value(item, "ManufacturerModelName"), CT.text("ManufacturerModelName"), "model")
    item = call("search_for_instances", STUDY, SERIES, fields=["RescaleSlope", "00280030"])[0]
    own = next(file for file in FILES if file.uids[2] == uids([item], 2)[0])
    equal(value(item, "RescaleSlope"), float(own.set.RescaleSlope), "slope")
    equal(item["00280030"]["Value"], [float(it) for it in own.set.PixelSpacing], "spacing")


TEXTS = {"AE", "AS", "CS", "DA", "DT", "LO", "LT", "SH", "ST", "TM", "UC", "UI", "UR", "UT", "PN"}
NUMBERS = {"DS", "IS", "FD", "FL", "SL", "SS", "UL", "US"}


def names(value):
    return {group: name.rstrip("^ ") for group, name in value.items() if name.rstrip("^ ")}


def says_the_same(item, file):
    """Texts, names and numbers of metadata are those of the file."""
    compared = 0
    for element in file.set:
        # Metadata are in UTF-8, whatever the file is in, and have no group lengths.
        if element.tag == 0x00080005 or element.tag.element == 0 or element.tag.is_private:
            continue
        if element.VR not in TEXTS | NUMBERS:
            continue
        found = item.get(f"{element.tag:08X}")
        check(found is not None, "absent", file.path, element.tag)
        if "Value" not in found and "BulkDataURI" in found:
            continue
        equal(found["vr"], element.VR, file.path, element.tag)
        expected = element.to_json_dict(None, 1 << 30).get("Value", [])
        # An empty value between others is null, PS3.18 F.2.5.
        expected = [None if it == "" else it for it in expected]
        values = found.get("Value", [])
        if element.VR == "PN":
            # Empty components at the end say nothing, PS3.5 6.2.1.
            values, expected = (list(filter(None, map(names, each))) for each in (values, expected))
        if element.VR in NUMBERS:
            same = [float(it) for it in values] == [float(it) for it in expected]
        else:
            same = values == expected
        check(same, file.path, element.tag, "found", values, "expected", expected)
        compared += 1
    return compared


def metadata_are_those_of_the_files():
    by_uid = {file.uids: file for file in FILES}
    compared, seen = 0, 0
    for study in sorted(of_level(FILES, 0)):
        for item in call("retrieve_study_metadata", study):
            whose = tuple(uids([item], level)[0] for level in range(3))
            compared += says_the_same(item, by_uid[whose])
            seen += 1
    equal(seen, len(FILES), "metadata")
    check(compared > 20 * len(FILES), "elements", compared)
    equal(len(call("retrieve_series_metadata", STUDY, SERIES)), len(uids(call("search_for_instances", STUDY, SERIES), 2)), "series")
    says_the_same(call("retrieve_instance_metadata", *CT.uids), CT)
    says_the_same(call("retrieve_instance_metadata", *CINE.uids), CINE)


def are_same_sets(found, file, *what):
    # Both were read by pydicom: all elements, sequences and pixels.
    equal(found.file_meta.TransferSyntaxUID, file.set.file_meta.TransferSyntaxUID, what)
    check(found == file.set, "another data set", what)


STORED = (("application/dicom", "*"),)
EXPLICIT = (("application/dicom", str(ExplicitVRLittleEndian)),)


def whole_instances_come():
    own = {file.uids[2]: file for file in FILES if file.uids[0] == STUDY}
    of_series = {uid: file for uid, file in own.items() if file.uids[1] == SERIES}
    for name, arguments, expected in [
        ("retrieve_study", (STUDY,), own),
        ("iter_study", (STUDY,), own),
        ("retrieve_series", (STUDY, SERIES), of_series),
        ("iter_series", (STUDY, SERIES), of_series),
    ]:
        for types in [None, STORED]:
            sets = call(name, *arguments, media_types=types)
            equal({str(it.SOPInstanceUID) for it in sets}, set(expected), name)
            for one in sets:
                file = expected[str(one.SOPInstanceUID)]
                if types == STORED:
                    are_same_sets(one, file, name)
                equal(one.pixel_array.tobytes(), file.set.pixel_array.tobytes(), name)
    are_same_sets(call("retrieve_instance", *CT.uids), CT, "instance")
    are_same_sets(call("retrieve_instance", *CINE.uids, media_types=STORED), CINE, "cine")
    for file in with_syntax(RLELossless)[:2]:
        are_same_sets(call("retrieve_instance", *file.uids, media_types=STORED), file, "as stored")
        plain_one = call("retrieve_instance", *file.uids, media_types=EXPLICIT)
        equal(plain_one.file_meta.TransferSyntaxUID, ExplicitVRLittleEndian, "decoded")
        check(numpy.array_equal(plain_one.pixel_array, file.set.pixel_array), "decoded", file.path)


def with_syntax(syntax):
    return [file for file in FILES if file.set.file_meta.TransferSyntaxUID == syntax]


def frames_of(file):
    """Stored values of each frame, as pydicom decodes them."""
    pixels = file.set.pixel_array
    count = int(file.set.get("NumberOfFrames", 1) or 1)
    return [frame.tobytes() for frame in (pixels if count > 1 else [pixels])]


OCTETS = ("application/octet-stream",)


def frames_come():
    frames = frames_of(CINE)
    equal(call("retrieve_instance_frames", *CT.uids, [1]), frames_of(CT), "frame")
    equal(call("retrieve_instance_frames", *CT.uids, [1], media_types=OCTETS), frames_of(CT), "octets")
    for numbers in [[1], [2], [1, 2], [2, 1], [len(frames), 1], list(range(1, len(frames) + 1))]:
        expected = [frames[number - 1] for number in numbers]
        equal(call("retrieve_instance_frames", *CINE.uids, numbers), expected, numbers)
        equal(call("iter_instance_frames", *CINE.uids, numbers), expected, numbers)
    for file in with_syntax(RLELossless)[:2]:
        equal(call("retrieve_instance_frames", *file.uids, [1]), frames_of(file)[:1], "decoded", file.path)
        types = (("image/dicom-rle", str(RLELossless)),)
        count = int(file.set.get("NumberOfFrames", 1) or 1)
        stored = get_frame(file.set.PixelData, 0, number_of_frames=count)
        found = call("retrieve_instance_frames", *file.uids, [1], media_types=types)
        # A fragment of odd length is filled up by a zero.
        equal(found[0].rstrip(b"\0"), stored.rstrip(b"\0"), "as stored", file.path)
    refused(404, "retrieve_instance_frames", *CT.uids, [2])


def picture(data, kind):
    image = Image.open(io.BytesIO(data))
    equal(image.format, kind, "picture")
    return image


def grey(file, center, width):
    """PS3.3 C.11.2.1.2.1, linear, to 0 ... 255."""
    values = file.set.pixel_array * float(file.set.RescaleSlope) + float(file.set.RescaleIntercept)
    return numpy.clip(((values - (center - 0.5)) / (width - 1) + 0.5) * 255, 0, 255)


def pictures_come():
    size = (int(CT.set.Columns), int(CT.set.Rows))
    for types, kind in [(("image/png",), "PNG"), (("image/jpeg",), "JPEG")]:
        found = picture(call("retrieve_instance_rendered", *CT.uids, media_types=types), kind)
        equal(found.size, size, "size")
        found = picture(call("retrieve_instance_frames_rendered", *CINE.uids, [2], media_types=types), kind)
        equal(found.size, (int(CINE.set.Columns), int(CINE.set.Rows)), "frame")
        found = picture(call("retrieve_series_rendered", STUDY, SERIES, media_types=types), kind)
        equal(found.size, size, "series")
    for center, width in [(40, 400), (-600, 1500)]:
        params = {"window": f"{center},{width},linear"}
        data = call("retrieve_instance_rendered", *CT.uids, media_types=("image/png",), params=params)
        found = numpy.asarray(picture(data, "PNG").convert("L"), dtype=float)
        check(numpy.abs(found - grey(CT, center, width)).max() <= 1, "window", center, width)
    params = {"viewport": "64,64"}
    data = call("retrieve_instance_rendered", *CT.uids, media_types=("image/png",), params=params)
    equal(picture(data, "PNG").size, (64, 64), "viewport")
    low, high = (
        call("retrieve_instance_rendered", *CT.uids, media_types=("image/jpeg",), params={"quality": quality})
        for quality in (20, 95)
    )
    check(len(low) < len(high), "quality", len(low), len(high))
    frame = numpy.asarray(picture(call("retrieve_instance_frames_rendered", *CINE.uids, [1], media_types=("image/png",)), "PNG"))
    equal(frame[..., :3].tobytes(), CINE.set.pixel_array[0].tobytes(), "colours")
    for path in ["", f"/series/{SERIES}", f"/series/{SERIES}/instances/{INSTANCE}"]:
        # The client has no word for thumbnails; a picture of any address is one.
        address = f"{ROOT}/studies/{STUDY}{path}/thumbnail"
        data = call("_http_get_image", address, ("image/jpeg",))
        check(max(picture(data, "JPEG").size) <= max(size), "thumbnail", path)


def bulk_data_come():
    item = call("retrieve_instance_metadata", *CINE.uids, additional_params=None)
    address = urljoin(ROOT, item["7FE00010"]["BulkDataURI"])
    (found,) = call("retrieve_bulkdata", address)
    equal(found, CINE.set.PixelData, "bulk data")
    (found,) = call("iter_bulkdata", address)
    equal(found, CINE.set.PixelData, "bulk data in pieces")
    (found,) = call("retrieve_bulkdata", address, media_types=OCTETS)
    equal(found, CINE.set.PixelData, "octets")


def what_is_not_there_is_said():
    refused(404, "retrieve_study", "1.2.3.4")
    refused(404, "retrieve_series_metadata", STUDY, "1.2.3.4")
    refused(404, "retrieve_instance", STUDY, SERIES, "1.2.3.4")
    refused(400, "search_for_studies", search_filters={"StudyDate": "2026-13"})
    refused(405, "delete_study", STUDY)


def stored_instances_come_back():
    copies = []
    study, series = generate_uid(), generate_uid()
    for number, file in enumerate([CT, CINE], 1):
        one = copy.deepcopy(file.set)
        one.StudyInstanceUID, one.SeriesInstanceUID = study, f"{series[:50]}.{number}"
        one.SOPInstanceUID = one.file_meta.MediaStorageSOPInstanceUID = generate_uid()
        one.PatientID = "STORED"
        copies.append(one)
    answer = call("store_instances", copies[:1])
    equal(len(answer.ReferencedSOPSequence), 1, "stored")
    # In chunks, as what is longer than a piece of the client's is sent.
    client.set_chunk_size(10000)
    answer = call("store_instances", copies[1:], study)
    equal(answer.ReferencedSOPSequence[0].ReferencedSOPInstanceUID, copies[1].SOPInstanceUID, "stored")
    check("FailedSOPSequence" not in answer, "failures")
    answer = call("store_instances", copies)
    equal(len(answer.ReferencedSOPSequence), 2, "the same again")
    client.set_chunk_size(10**6)
    for one in copies:
        back = call("retrieve_instance", study, one.SeriesInstanceUID, one.SOPInstanceUID, media_types=STORED)
        check(back == one, "another data set came back")
    found = call("search_for_instances", study, search_filters={"PatientID": "STORED"})
    equal(set(uids(found, 2)), {str(one.SOPInstanceUID) for one in copies}, "found")
    other = copy.deepcopy(copies[0])
    other.SeriesDescription = "Another one"
    refused(409, "store_instances", [other])
    refused(409, "store_instances", [copies[0]], STUDY)


for step in [
    studies_are_found,
    pages_are_all,
    counts_are_right,
    series_and_instances_are_found,
    more_fields_come,
    metadata_are_those_of_the_files,
    whole_instances_come,
    frames_come,
    pictures_come,
    bulk_data_come,
    what_is_not_there_is_said,
]:
    step()
if STORES:
    stored_instances_come_back()
print(f"{len(calls)} different calls over {len(FILES)} files")
