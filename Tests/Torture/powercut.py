"""What a power cut could leave of a directory, from the record that shim.c made of its changes.

What was synced is there. Of everything since, each change may have reached the disk or not: writes whole, in part, or out of order, in
blocks of 512 or 4096 bytes; names by directory, in order or not. File systems give out and take back whole blocks of 4096 bytes, and
show a new one only when its contents are there: where there was a hole, and where one is made, nothing is torn within such a block.
"""
import os
import pathlib
import struct

WRITE, ZERO, SIZE, SYNC, CREATE, MKDIR, RENAME, EXCHANGE, UNLINK, RMDIR, SYNC_DIRECTORY, DURABLE_WRITE = range(1, 13)
PAGE = 4096
HEAD = struct.Struct("<BQqqII")


class File:
    """Bytes that are on stable storage, and changes that may not be."""

    def __init__(self, stable=b""):
        self.stable, self.pending = bytearray(stable), []

    def sync(self):
        for change in self.pending:
            self.apply(self.stable, change)
        self.pending = []

    @staticmethod
    def apply(into, change):
        what, offset, value = change
        if what == SIZE:
            into[offset:] = b"" if len(into) >= offset else bytes(offset - len(into))
            return
        if len(into) < offset + len(value):
            into.extend(bytes(offset + len(value) - len(into)))
        into[offset:offset + len(value)] = value

    def lose(self, random):
        """The bytes after a power cut."""
        left = bytearray(self.stable)
        block = random.choice((512, 4096))
        loss = random.random()
        for what, offset, value in self.pending:
            if what == DURABLE_WRITE:
                self.apply(left, (what, offset, value))
                continue
            if what == SIZE or random.random() < 0.5:
                if random.random() >= loss:
                    self.apply(left, (what, offset, value))
                continue
            # Torn: some of its blocks.
            end = offset + len(value)
            for page in range(offset // PAGE * PAGE, end, PAGE):
                is_hole = not any(left[page:page + PAGE])
                step = PAGE if what == ZERO or is_hole else block
                for start in range(page, min(page + PAGE, end), step):
                    low, high = max(start, offset), min(start + step, end)
                    if low < high and random.random() >= loss:
                        self.apply(left, (what, low, value[low - offset:high - offset]))
        return bytes(left)


class Directory:
    def __init__(self):
        self.entries, self.stable, self.pending = {}, {}, []

    def change(self, changes):
        for name, node in changes:
            self.put(self.entries, name, node)
        self.pending.append(changes)

    @staticmethod
    def put(entries, name, node):
        if node is None:
            entries.pop(name, None)
        else:
            entries[name] = node

    def sync(self):
        self.stable, self.pending = dict(self.entries), []

    def lose(self, random):
        left, is_ordered, loss = dict(self.stable), random.random() < 0.5, random.random()
        for changes in self.pending:
            if random.random() < loss:
                if is_ordered:
                    break
                continue
            for name, node in changes:
                self.put(left, name, node)
        return left


class Replay:
    """A directory as the record leaves it.

    - start: the directory's contents when the record began, taken for stable; read before the program that changes it starts.
    """

    def __init__(self, start):
        self.inodes = {}
        self.root = self.load(pathlib.Path(start))

    def load(self, path):
        if path.is_dir():
            node = Directory()
            node.entries = {child.name: self.load(child) for child in path.iterdir()}
            node.sync()
            return node
        node = File(path.read_bytes())
        self.inodes[path.stat().st_ino] = node
        return node

    def parent(self, path):
        node, parts = self.root, path.split("/")
        for part in parts[:-1]:
            node = node.entries[part]
        return node, parts[-1]

    def find(self, path):
        node = self.root
        for part in path.split("/") if path else []:
            node = node.entries[part]
        return node

    def read(self, record):
        """Follows a record to its end, or to where its writer was killed."""
        data, position = pathlib.Path(record).read_bytes(), 0
        while position + HEAD.size <= len(data):
            what, inode, first, second, a_size, b_size = HEAD.unpack_from(data, position)
            end = position + HEAD.size + a_size + b_size
            if end > len(data):
                return
            a = data[position + HEAD.size:position + HEAD.size + a_size]
            self.follow(what, inode, first, second, a, data[end - b_size:end] if b_size else b"")
            position = end

    def follow(self, what, inode, first, second, a, b):
        if what in (WRITE, DURABLE_WRITE, ZERO, SIZE, SYNC):
            file = self.inodes.get(inode)
            if file is None:
                return
            if what == SYNC:
                file.sync()
            elif what == SIZE:
                file.pending.append((SIZE, first, b""))
            elif what == ZERO:
                file.pending.append((ZERO, first, bytes(second)))
            else:
                file.pending.append((what, first, a))
            return
        path, other = a.decode(), b.decode()
        if what == SYNC_DIRECTORY:
            self.find(path).sync()
            return
        parent, name = self.parent(path)
        if what == CREATE:
            self.inodes[inode] = File()
            parent.change([(name, self.inodes[inode])])
        elif what == MKDIR:
            parent.change([(name, Directory())])
        elif what in (UNLINK, RMDIR):
            parent.change([(name, None)])
        else:
            target, new_name = self.parent(other)
            moved = parent.entries[name]
            back = target.entries.get(new_name) if what == EXCHANGE else None
            if target is parent:
                parent.change([(name, back), (new_name, moved)])
            else:
                parent.change([(name, back)])
                target.change([(new_name, moved)])

    def cut(self, into, random):
        """Writes what a power cut leaves into a new directory."""
        self.write(self.root, pathlib.Path(into), random)

    def write(self, node, path, random):
        if isinstance(node, File):
            data = node.lose(random)
            with open(path, "wb") as file:
                os.fchmod(file.fileno(), 0o600)
                for start in range(0, len(data), 65536):
                    piece = data[start:start + 65536]
                    if piece.count(0) != len(piece):
                        file.seek(start)
                        file.write(piece)
                file.truncate(len(data))
            return
        path.mkdir(mode=0o700)
        for name, child in node.lose(random).items():
            self.write(child, path / name, random)
