import CofferCore
import CofferModel
import CofferPlatform

/// Disks that are being filled from files of other formats, each by a task of this process: one that a crash ends is not taken up
/// again, and the disk says so.
final class DiskImports: Sendable {
    private let reader: any DiskImageReader
    private let creation: DiskCreation
    private let turns: Turns
    private let report: @Sendable (String) -> Void
    private let running: RunningImports

    init(
        reader: any DiskImageReader, creation: DiskCreation, turns: Turns, report: @escaping @Sendable (String) -> Void
    ) {
        self.reader = reader
        self.creation = creation
        running = creation.running
        self.turns = turns
        self.report = report
    }

    /// How much of a disk's import is done, of 100; nil if none is in progress.
    func percent(_ id: ResourceID) -> Double? { running.percent(id) }

    /// Finds out whether a file may be imported.
    ///
    /// - Throws: ``APIError``.
    func inspect(_ uri: String) async throws -> DiskImage {
        let image = try await reader.inspect(uri)
        let sector: UInt64 = 4096
        guard image.byteCount > 0, image.byteCount <= UInt64(DiskSize.allowed.upperBound) * DiskSize.gibibyte else {
            throw APIError.importSizeNotValid(image.byteCount)
        }
        return DiskImage(path: image.path, format: image.format, byteCount: (image.byteCount + sector - 1) / sector * sector)
    }

    /// Makes a disk and begins to fill it. The caller holds the disk's turn.
    ///
    /// - Returns: The record, in the phase `creating`.
    /// - Throws: ``APIError`` if the disk cannot be made; then nothing is left of it.
    func start(_ record: DiskRecord, from image: DiskImage) async throws -> DiskRecord {
        running.begin(record.id)
        let export: DiskExport
        do {
            export = try await creation.createOpen(record)
        } catch {
            running.end(record.id)
            throw error
        }
        let task = Task {
            var reason: String?
            do {
                try await reader.write(image, to: export) { self.running.note($0, of: record.id) }
            } catch is CancellationError {
                reason = self.running.reason(record.id) ?? "The import was cancelled."
            } catch {
                reason = (error as? APIError)?.message ?? error.forLog
            }
            await self.end(record, because: reason)
        }
        running.note(task, of: record.id)
        return record
    }

    /// Ends an import in progress and waits for its end.
    func cancel(_ id: ResourceID) async {
        guard let task = running.task(id) else { return }
        task.cancel()
        await task.value
    }

    /// Waits for the end of an import, if one is in progress.
    func finish(_ id: ResourceID) async { await running.task(id)?.value }

    private func end(_ record: DiskRecord, because reason: String?) async {
        do {
            try await turns.take(record.id.key) { try await creation.endImport(record, because: reason) }
        } catch {
            report("import of \(record.id.text): \(error.forLog)")
        }
        running.end(record.id)
    }
}

extension APIError {
    fileprivate static func importSizeNotValid(_ byteCount: UInt64) -> APIError {
        invalidParameter(
            "The disk in the file has \(byteCount) bytes. Disks have 1 byte to 32767 GiB.", target: "creationData.sourceUri")
    }
}
