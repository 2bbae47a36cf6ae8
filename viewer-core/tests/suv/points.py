"""Twenty points of a real PET series as SUV by weight, by pydicom alone: python points.py FOLDER > points.json

The series is in Bq/ml, corrected to the start of its scan, which its Series Time says; so the dose decays from
Radiopharmaceutical Start Time to Series Time, and SUV = Bq/ml * grams / Bq.
"""

import glob
import json
import random
import sys

import pydicom


def seconds(text):
    text = str(text)
    return int(text[0:2]) * 3600 + int(text[2:4]) * 60 + float(text[4:])


chance = random.Random(20)
files = sorted(glob.glob(sys.argv[1] + "/rb_pet_ac_*.dcm"))
points = []
for path in chance.sample(files, 20):
    image = pydicom.dcmread(path)
    assert image.Units == "BQML" and image.DecayCorrection == "START"
    given = image.RadiopharmaceuticalInformationSequence[0]
    waited = seconds(image.SeriesTime) - seconds(given.RadiopharmaceuticalStartTime)
    left = float(given.RadionuclideTotalDose) * 0.5 ** (waited / float(given.RadionuclideHalfLife))
    stored = image.pixel_array
    # The brightest tenth, so that a point says something.
    rows, columns = (stored >= sorted(stored.flat)[-stored.size // 10]).nonzero()
    place = chance.randrange(len(rows))
    row, column = int(rows[place]), int(columns[place])
    activity = float(stored[row, column]) * float(image.RescaleSlope) + float(image.RescaleIntercept)
    points.append(
        {
            "file": path.rsplit("/", 1)[-1],
            "column": column,
            "row": row,
            "stored": int(stored[row, column]),
            "suv": activity * float(image.PatientWeight) * 1000 / left,
        }
    )
json.dump(points, sys.stdout, indent=1)
