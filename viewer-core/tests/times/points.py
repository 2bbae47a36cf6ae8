"""The times of a real functional series by pydicom alone: python points.py FOLDER > points.json

Its files name neither a temporal position nor a trigger time, and one acquisition time for all: what tells images at one place
apart is their Instance Number. Number of Temporal Positions says how many there are, Repetition Time how far apart: one
excitation takes a whole volume.
"""

import collections
import glob
import json
import sys

import pydicom

images = [pydicom.dcmread(path, stop_before_pixels=True) for path in glob.glob(sys.argv[1] + "/*.dcm")]
places = collections.defaultdict(list)
for image in images:
    places[float(image.ImagePositionPatient[2])].append(int(image.InstanceNumber))
count = int(images[0].NumberOfTemporalPositions)
assert all(len(numbers) == count for numbers in places.values())
rising = [sorted(places[z]) for z in sorted(places)]
times = [
    {
        "at_ms": time * float(images[0].RepetitionTime),
        "instance_numbers": [numbers[time] for numbers in rising],
    }
    for time in range(count)
]
print("[\n" + ",\n".join(" " + json.dumps(time) for time in times) + "\n]")
