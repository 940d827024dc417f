import Foundation

/// A search over every byte of every file of a directory.
struct CanarySearch {
    private(set) var fileCount = 0
    private(set) var byteCount: UInt64 = 0
    private(set) var hitCount = 0
    /// The files with hits.
    private(set) var filesWithHits: [String] = []

    /// - Parameters:
    ///   - text: What to look for.
    ///   - path: A file, or a directory with all below it. Links, sockets and pipes hold no bytes and are passed over.
    /// - Throws: ``DemoFailure`` if a file cannot be read: a search that skips is none.
    init(for text: String, in path: String) throws(DemoFailure) {
        let needle = Array(text.utf8)
        var paths = [path]
        if let walker = FileManager.default.enumerator(atPath: path) {
            while let relative = walker.nextObject() as? String { paths.append("\(path)/\(relative)") }
        }
        for path in paths {
            let type = (try? FileManager.default.attributesOfItem(atPath: path))?[.type] as? FileAttributeType
            if type == .typeRegular { try search(path, for: needle) }
        }
    }

    private mutating func search(_ path: String, for needle: [UInt8]) throws(DemoFailure) {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        // A temporary file may be gone by now.
        if descriptor < 0 && errno == ENOENT { return }
        try DemoFailure.unless(descriptor >= 0, "\(path) cannot be read for the search")
        defer { close(descriptor) }
        fileCount += 1
        // A hit may lie across two chunks: the end of each is looked at again with the next.
        let overlap = needle.count - 1
        var chunk = [UInt8](repeating: 0, count: 4 << 20)
        var kept = 0
        var hits = 0
        while true {
            let count = unsafe chunk.withUnsafeMutableBytes { unsafe read(descriptor, $0.baseAddress?.advanced(by: kept), $0.count - kept) }
            try DemoFailure.unless(count >= 0, "\(path) cannot be read for the search")
            if count == 0 { break }
            byteCount += UInt64(count)
            let filled = kept + count
            hits += Self.occurrences(of: needle, in: chunk, upTo: filled)
            kept = min(overlap, filled)
            chunk.replaceSubrange(0..<kept, with: Array(chunk[(filled - kept)..<filled]))
        }
        hitCount += hits
        if hits > 0 { filesWithHits.append(path) }
    }

    private static func occurrences(of needle: [UInt8], in chunk: [UInt8], upTo end: Int) -> Int {
        unsafe chunk.withUnsafeBytes { bytes in
            var count = 0
            var position = 0
            while position + needle.count <= end, let start = bytes.baseAddress,
                let first = unsafe memchr(start + position, Int32(needle[0]), end - needle.count - position + 1)
            {
                if unsafe memcmp(first, needle, needle.count) == 0 { count += 1 }
                position = unsafe UnsafeRawPointer(first) - start + 1
            }
            return count
        }
    }
}
