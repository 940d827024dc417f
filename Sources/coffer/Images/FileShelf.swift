import CofferImport
import CofferModel
import Foundation
import Glibc

/// Puts a built image into a file, with `FILE.json` beside it that says what it is.
struct FileShelf: ImageShelf {
    let path: String

    private var recordPath: String { path + ".json" }

    func image(from origin: String) -> String? {
        guard let bytes = FileManager.default.contents(atPath: recordPath), let record = try? ImageRecord(json: Array(bytes)), record.builtFrom == origin,
            let size = try? FileManager.default.attributesOfItem(atPath: path)[.size] as? UInt64, size == record.sizeBytes
        else { return nil }
        return path
    }

    func make(_ recipe: ImageRecipe, origin: String, gigabytes: Int) async throws -> String {
        let draft = "\(path).new-\(getpid())"
        defer { _ = unsafe unlink(draft) }
        try await recipe.build(gigabytes: gigabytes, at: draft)
        let record = try recipe.record(of: draft, origin: origin) { _ in 0 }
        // The record goes before the disk that it describes, and comes after the one that it will.
        _ = unsafe unlink(recordPath)
        guard unsafe rename(draft, path) == 0 else { throw ImageFailure("\(path) cannot be written: \(unsafe String(cString: strerror(errno))).") }
        try DurableFile.write(JSON.encode(record.json), to: recordPath, mode: 0o644)
        return "\(record.name) is at \(path)."
    }
}
