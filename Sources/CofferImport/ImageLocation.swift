package import CofferPlatform
package import CofferModel
import Glibc

/// Where an image is, and its format, from what a client names: `file:///DIRECTORY/NAME.qcow2`, or the path alone.
///
/// The format is the one of the name's ending, or what `?format=` says; it is never guessed from the contents, which may have been
/// made to look like another.
package struct ImageLocation: Equatable, Sendable {
    /// As the client gave it, decoded: absolute, and not yet resolved.
    package let path: String
    package let format: DiskImage.Format

    /// Endings of names, in lower case.
    private static let endings: [String: DiskImage.Format] = [
        "raw": .raw, "img": .raw, "bin": .raw, "qcow2": .qcow2, "vhd": .vhd, "vpc": .vhd, "vhdx": .vhdx, "vmdk": .vmdk,
    ]
    private static let maximumByteCount = 4096

    /// - Throws: ``APIError`` for another scheme, a path that is not absolute, or a format that is not known.
    package init(_ uri: String) throws(APIError) {
        guard uri.utf8.count <= Self.maximumByteCount, !uri.utf8.contains(where: { $0 < 0x20 || $0 == 0x7F }) else {
            throw .importRefused("'sourceUri' has control characters or more than \(Self.maximumByteCount) bytes.")
        }
        let isURI = uri.lowercased().hasPrefix("file:")
        var text = Substring(uri)
        var format: String?
        if isURI {
            text = text.dropFirst("file:".count)
            if text.hasPrefix("//") {
                // The host between the slashes is this one.
                text = text.dropFirst(2)
                let host = text.prefix { $0 != "/" }
                guard host.isEmpty || host.lowercased() == "localhost" else { throw .importRefused("Files of other machines than this one cannot be imported.") }
                text = text.dropFirst(host.count)
            }
            if let mark = text.firstIndex(of: "?") {
                for pair in text[text.index(after: mark)...].split(separator: "&") where pair.hasPrefix("format=") {
                    format = String(pair.dropFirst("format=".count))
                }
                text = text[..<mark]
            }
        }
        guard text.hasPrefix("/"), let path = isURI ? Self.decode(text) : String(text), !path.utf8.contains(0) else {
            throw .importRefused(
                "'\(uri.prefix(200))' is not the URI of a file: file:///DIRECTORY/NAME.qcow2. Storage accounts are not served; put the file into the import directory.")
        }
        let ending = path.split(separator: "/").last?.split(separator: ".").dropFirst().last.map { $0.lowercased() }
        let word = format?.lowercased() ?? ending ?? ""
        guard let known = Self.endings[word] else {
            throw .importRefused(
                "The format of '\(path.suffix(100))' is not known by its ending. Name it: file:///…?format=raw, qcow2, vhd, vhdx or vmdk.")
        }
        self.path = path
        self.format = known
    }

    /// The path without symbolic links, if it is one of a file below `directory`.
    ///
    /// - Throws: ``APIError`` if there is no such file, or it is elsewhere.
    package func resolved(below directory: String) throws(APIError) -> String {
        guard let root = Self.realPath(directory) else {
            throw .importRefused("The import directory \(directory) does not exist on the server.")
        }
        guard let real = Self.realPath(path), real.hasPrefix(root == "/" ? "/" : root + "/") else {
            throw .importRefused("There is no file '\(path.suffix(200))' below the import directory \(directory).")
        }
        var status = stat()
        guard unsafe lstat(real, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            throw .importRefused("'\(path.suffix(200))' is not a regular file.")
        }
        return real
    }

    private static func realPath(_ path: String) -> String? {
        guard let resolved = unsafe realpath(path, nil) else { return nil }
        defer { unsafe free(resolved) }
        return unsafe String(cString: resolved)
    }

    /// Percent-decoded, or nil if that gives no text.
    private static func decode(_ text: Substring) -> String? {
        var bytes: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard rest.count >= 2, let high = digit(rest.popFirst()), let low = digit(rest.popFirst()) else { return nil }
            bytes.append(high << 4 | low)
        }
        return String(validating: bytes, as: UTF8.self)
    }

    private static func digit(_ byte: UInt8?) -> UInt8? {
        switch byte {
        case .some(let byte) where (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte): byte - UInt8(ascii: "0")
        case .some(let byte) where (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte | 0x20): (byte | 0x20) - UInt8(ascii: "a") + 10
        default: nil
        }
    }
}
