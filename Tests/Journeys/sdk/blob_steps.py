"""What a current azure-storage-blob does with the URL of a disk: blob_steps.py STEP URL [MORE]; prints JSON."""
import hashlib
import json
import sys

from azure.core.exceptions import HttpResponseError
from azure.storage.blob import BlobClient, BlobType

PIECE = 4 << 20


def client(url):
    return BlobClient.from_blob_url(url, retry_total=0)


def properties(url):
    found = client(url).get_blob_properties()
    return {"size": found.size, "type": found.blob_type, "etag": found.etag, "modified": str(found.last_modified)}


def download(url, path):
    stream = client(url).download_blob(max_concurrency=4)
    with open(path, "wb") as file:
        stream.readinto(file)
    return {"size": stream.size}


def part(url, offset, length):
    data = client(url).download_blob(offset=int(offset), length=int(length)).readall()
    return {"size": len(data), "sha256": hashlib.sha256(data).hexdigest()}


def pages(url):
    ranges, cleared = client(url).get_page_ranges()
    return {"ranges": [[each["start"], each["end"]] for each in ranges], "cleared": len(cleared)}


def changes(url, previous):
    ranges, cleared = client(url).get_page_range_diff_for_managed_disk(previous)
    return {key: [[each["start"], each["end"]] for each in value] for key, value in (("ranges", ranges), ("cleared", cleared))}


def write_pages(url, path):
    """Every piece that is not all zeros, one after the other, as azcopy does."""
    blob, offset, written = client(url), 0, 0
    with open(path, "rb") as file:
        while piece := file.read(PIECE):
            if piece.strip(b"\0"):
                blob.upload_page(piece, offset=offset, length=len(piece))
                written += 1
            offset += len(piece)
    return {"written": written}


def upload(url, path):
    with open(path, "rb") as file:
        client(url).upload_blob(file, blob_type=BlobType.PAGEBLOB, overwrite=True, max_concurrency=4)
    return {}


def clear(url, offset, length):
    client(url).clear_page(offset=int(offset), length=int(length))
    return {}


def write(url, offset, text, length):
    client(url).upload_page(text.encode().ljust(int(length), b"\0"), offset=int(offset), length=int(length))
    return {}


STEPS = {step.__name__: step for step in (properties, download, part, pages, changes, write_pages, upload, clear, write)}
try:
    print(json.dumps(STEPS[sys.argv[1]](*sys.argv[2:])))
except HttpResponseError as error:
    print(json.dumps({"status": error.status_code, "code": str(getattr(error, "error_code", "")), "message": str(error)[:500]}))
