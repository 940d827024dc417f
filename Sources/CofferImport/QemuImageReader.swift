import CofferCore
package import CofferModel
package import CofferPlatform
import Glibc

/// Reads disk images with qemu-img, which writes what it reads to a disk's NBD export: plaintext is in no file but the image.
///
/// An image is somebody else's: what it refers to is not opened (``ImageCheck``), and qemu-img runs with no right to write files, no
/// core dump and limited memory.
package struct QemuImageReader: DiskImageReader {
    /// The directory that files must lie in to be imported by name; nil if none may.
    package let directory: String?
    private let pool = WorkerPool(name: "import", threads: 8)

    private static let program = "qemu-img"
    /// Memory in bytes. qemu-img needs some tens of megabytes.
    private static let memoryByteCount = 4 << 30

    package init(directory: String?) {
        self.directory = directory
    }

    package func inspect(_ uri: String) async throws -> DiskImage {
        guard let directory else { throw APIError.importsNotConfigured }
        let location = try ImageLocation(uri)
        let path = try location.resolved(below: directory)
        let parts = try FileParts(path)
        if let objection = ImageCheck.objection(to: location.format, head: parts.head, tail: parts.tail) {
            throw APIError.importRefused("'\(uri.suffix(200))' cannot be imported as \(location.format.rawValue): \(objection).")
        }
        if location.format == .raw { return DiskImage(path: path, format: .raw, byteCount: parts.byteCount) }
        let child = try start(["info", "--output=json", "-f", location.format.rawValue, path])
        let result = try await pool.run { child.finish { _ in } }
        guard result.status == 0 else { throw APIError.importRefused("'\(uri.suffix(200))' cannot be read: \(result.reason)") }
        let info: ImageInfo
        do {
            info = try JSON.decode(ImageInfo.self, from: result.output)
        } catch {
            throw APIError.importRefused("'\(uri.suffix(200))' cannot be read: qemu-img says nothing of it that can be understood.")
        }
        if let objection = info.objection(path: path) { throw APIError.importRefused("'\(uri.suffix(200))' cannot be imported: \(objection).") }
        return DiskImage(path: path, format: location.format, byteCount: info.virtualSize)
    }

    package func write(_ image: DiskImage, to export: DiskExport, progress: @escaping @Sendable (Double) -> Void) async throws {
        let target = "nbd:unix:\(export.socketPath):exportname=\(export.name)"
        // The disk is new and reads as zeros, so that zeros of the image need not be written. Without "-t writeback" nothing is flushed.
        let child = try start([
            "convert", "-p", "-n", "--target-is-zero", "-t", "writeback", "-W", "-m", "8", "-f", image.format.rawValue, "-O", "raw", image.path, target,
        ])
        try await follow(child, progress: progress)
    }

    /// Writes an image's contents to a new raw file, in which what is zero is holes.
    ///
    /// - Throws: as ``write(_:to:progress:)``; what was written by then stays.
    package func write(_ image: DiskImage, toFile path: String, progress: @escaping @Sendable (Double) -> Void) async throws {
        let child = try start(["convert", "-p", "-m", "8", "-f", image.format.rawValue, "-O", "raw", image.path, path], fileByteCount: image.byteCount)
        try await follow(child, progress: progress)
    }

    /// Waits for a conversion's end.
    private func follow(_ child: ChildProcess, progress: @escaping @Sendable (Double) -> Void) async throws {
        let result = try await withTaskCancellationHandler {
            try await pool.run {
                var meter = ProgressMeter()
                return child.finish { bytes in
                    if let percent = meter.read(bytes) { progress(percent) }
                }
            }
        } onCancel: {
            child.kill()
        }
        try Task.checkCancellation()
        guard result.status == 0 else { throw APIError.importRefused("The import failed: \(result.reason)") }
    }

    /// - Parameter fileByteCount: How large a file may get that it writes.
    private func start(_ arguments: [String], fileByteCount: UInt64 = 0) throws -> ChildProcess {
        let limits = ["prlimit", "--core=0", "--fsize=\(fileByteCount)", "--as=\(Self.memoryByteCount)", "--", Self.program]
        do {
            return try ChildProcess(limits + arguments)
        } catch {
            throw APIError(
                status: 500, code: "ImportToolMissing",
                message: "The server cannot start qemu-img (\(unsafe String(cString: strerror(error.code)))). Install it: apt-get install qemu-utils")
        }
    }
}

/// What `qemu-img info --output=json` says of an image.
struct ImageInfo: Decodable {
    struct Specific: Decodable {
        struct Details: Decodable {
            struct Extent: Decodable {
                let filename: String?
            }

            let dataFile: String?
            let extents: [Extent]?

            enum CodingKeys: String, CodingKey {
                case dataFile = "data-file"
                case extents
            }
        }

        let data: Details?
    }

    let virtualSize: UInt64
    let backingFile: String?
    let isEncrypted: Bool?
    let specific: Specific?

    enum CodingKeys: String, CodingKey {
        case virtualSize = "virtual-size"
        case backingFile = "backing-filename"
        case isEncrypted = "encrypted"
        case specific = "format-specific"
    }

    /// Why the image may not be read, or nil.
    func objection(path: String) -> String? {
        if backingFile != nil { return "it has a backing file" }
        if isEncrypted == true { return "it is encrypted" }
        if specific?.data?.dataFile != nil { return "its data is in another file" }
        if specific?.data?.extents?.contains(where: { $0.filename != nil && $0.filename != path }) == true { return "parts of it are in other files" }
        return nil
    }
}

/// The beginning, the end and the size of a file.
private struct FileParts {
    let head: [UInt8]
    let tail: [UInt8]
    let byteCount: UInt64

    init(_ path: String) throws(APIError) {
        let file = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
        guard file >= 0 else { throw .importRefused("The file cannot be read: \(unsafe String(cString: strerror(errno))).") }
        defer { close(file) }
        var status = stat()
        guard unsafe fstat(file, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { throw .importRefused("It is not a regular file.") }
        byteCount = UInt64(clamping: status.st_size)
        head = Self.read(file, ImageCheck.headByteCount, at: 0)
        tail = Self.read(file, ImageCheck.tailByteCount, at: max(0, status.st_size - off_t(ImageCheck.tailByteCount)))
    }

    private static func read(_ file: Int32, _ count: Int, at offset: off_t) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        let got = unsafe bytes.withUnsafeMutableBytes { unsafe pread(file, $0.baseAddress, $0.count, offset) }
        return Array(bytes.prefix(max(0, got)))
    }
}

extension APIError {
    fileprivate static let importsNotConfigured = APIError(
        status: 400, code: "OperationNotAllowed",
        message: "Disks are imported from the files of one directory, and none is set: start the server with 'coffer serve --import-directory DIR'.",
        target: "creationData.sourceUri")

    /// 400: a file that is not imported, with a sentence that says why.
    package static func importRefused(_ sentence: String) -> APIError {
        APIError(status: 400, code: "InvalidParameter", message: sentence, target: "creationData.sourceUri")
    }
}
