"""The small Linux machine of guest/, its disks, and what it writes."""
import os
import pathlib
import subprocess
import threading
import uuid

from expectations import Failure, expect, expect_equal

PACKAGE = pathlib.Path(__file__).resolve().parents[2]


class Guest:
    """A running guest. Its console is read as it goes."""

    def __init__(self, stage, job, disks, parameters):
        self.stage, self.job = stage, job
        self.lines, self.changed = [], threading.Condition()
        directory = os.environ.get("COFFER_GUEST", str(PACKAGE / ".build/guest"))
        words = ["console=ttyS0", "quiet", "loglevel=1", "panic=-1", f"coffer.job={job}"]
        words += [f"coffer.{name}={value}" for name, value in parameters.items()]
        arguments = [
            "qemu-system-x86_64", "-accel", "tcg", "-cpu", "max", "-machine", "q35", "-m", "256", "-smp", "1", "-nodefaults",
            "-no-user-config", "-display", "none", "-no-reboot", "-serial", "stdio",
            "-kernel", f"{directory}/vmlinuz", "-initrd", f"{directory}/{'initrd-fio' if job == 'fio' else 'initrd'}.img", "-append", " ".join(words),
            *[word for disk in disks for word in disk],
        ]
        self.log = open(stage.root / f"guest-{job}-{uuid.uuid4().hex[:4]}.log", "wb")
        stage.say(f"guest: {job}")
        self.process = subprocess.Popen(
            arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=stage.environment,
            cwd=stage.root)
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self):
        for line in self.process.stdout:
            self.log.write(line)
            self.log.flush()
            text = line.decode(errors="replace").strip()
            if text.startswith("COFFER "):
                with self.changed:
                    self.lines.append(text[len("COFFER "):])
                    self.changed.notify_all()
        with self.changed:
            self.lines.append("ended")
            self.changed.notify_all()

    def said(self, prefix):
        with self.changed:
            return [line for line in self.lines if line.startswith(prefix)]

    def wait_for(self, prefix, count=1, timeout=60):
        """Waits for `count` further lines that begin with `prefix`; returns the last."""
        target = len(self.said(prefix)) + count

        def enough():
            return len([line for line in self.lines if line.startswith(prefix)]) >= target or self.lines[-1:] == ["ended"]

        with self.changed:
            self.changed.wait_for(enough, timeout)
        found = self.said(prefix)
        expect(len(found) >= target, f"guest {self.job}: no {count} further lines {prefix!r} in {timeout} s; last: {self.lines[-5:]}")
        return found[-1]

    def stop(self):
        """Ends a job that goes on until told, and returns what it said."""
        self.process.stdin.write(b"stop\n")
        self.process.stdin.flush()
        return self.finish()

    def kill(self):
        self.process.kill()
        self.process.wait()

    def finish(self, timeout=180):
        """Waits for the end of the guest; its `key=value` lines."""
        try:
            self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.kill()
            raise Failure(f"guest {self.job} did not end within {timeout} s; last: {self.lines[-5:]}") from None
        self.reader.join(10)
        return dict(line.split("=", 1) for line in self.lines if "=" in line)

    def succeed(self):
        said = self.finish()
        expect_equal(said.get("result"), "ok", f"guest {self.job} ({self.lines[-6:]})")
        return said


def attached(answer):
    """The guest's disk that `coffer disk attach --output json` gave."""
    return answer["qemuArguments"]


def file_disk(path, serial=None, read_only=False):
    """A plain file as the guest's disk."""
    identifier = f"f{uuid.uuid4().hex[:6]}"
    drive = f"file={path},format=raw,if=none,id={identifier},cache=none" + (",readonly=on" if read_only else "")
    return ["-drive", drive, "-device", f"virtio-blk-pci,drive={identifier}" + (f",serial={serial}" if serial else "")]


def padded(path, size=4096):
    """Fills a file with zero bytes to whole sectors, which a disk must be."""
    length = max(os.path.getsize(path), 1)
    os.truncate(path, -(-length // size) * size)
    return path


def new_canary():
    return f"CANARY-{uuid.uuid4()}"


def search(text, directory):
    """Looks for `text` in every byte of every file below `directory`: (files, bytes, hits by path)."""
    needle, files, size, hits = text.encode(), 0, 0, {}
    paths = [pathlib.Path(directory)] if os.path.isfile(directory) else sorted(pathlib.Path(directory).rglob("*"))
    for path in paths:
        if path.is_symlink() or not path.is_file():
            continue
        files += 1
        with open(path, "rb") as file:
            kept = b""
            while chunk := file.read(8 << 20):
                size += len(chunk)
                found = (kept + chunk).count(needle)
                if found:
                    hits[str(path)] = hits.get(str(path), 0) + found
                kept = chunk[-(len(needle) - 1):]
    return files, size, hits


def written(path):
    """The parts of a file that are no holes, in pieces that overlap by more than a canary."""
    with open(path, "rb") as file:
        end = 0
        while True:
            try:
                start = os.lseek(file.fileno(), end, os.SEEK_DATA)
            except OSError:
                return
            end = os.lseek(file.fileno(), start, os.SEEK_HOLE)
            for offset in range(start, end, 8 << 20):
                yield os.pread(file.fileno(), min((8 << 20) + 200, end - offset), offset)
