/// What a header says of a re-encryption in progress. How far it is, its ``JournalRecord`` says.
package struct HeaderReencryption: Equatable, Sendable {
    /// Bytes of a job's id.
    package static let jobByteCount = 16

    /// Names the job: the journal of another one is not this one's.
    package let job: [UInt8]
    /// Whether it rests until somebody lets it go on.
    package let isPaused: Bool
    /// How fast it may go at most, in bytes of the disk a second; 0 for no limit.
    package let bytesPerSecond: UInt64
    /// The layers that the disk is to have, layer 0 first; one or two.
    package let layers: [HeaderLayer]

    /// - Throws: ``DiskFormatError/invalid(_:)`` if a value is out of its range.
    package init(job: [UInt8], isPaused: Bool = false, bytesPerSecond: UInt64 = 0, layers: [HeaderLayer]) throws(DiskFormatError) {
        guard job.count == Self.jobByteCount else { throw .invalid("the id of a re-encryption has \(Self.jobByteCount) bytes") }
        guard layers.count == 1 || layers.count == 2 else { throw .invalid("a re-encryption leads to one or two layers") }
        self.job = job
        self.isPaused = isPaused
        self.bytesPerSecond = bytesPerSecond
        self.layers = layers
    }

    func rewrapped(_ index: Int, to layer: HeaderLayer) throws(DiskFormatError) -> HeaderReencryption {
        var changed = layers
        changed[index] = layer
        return try HeaderReencryption(job: job, isPaused: isPaused, bytesPerSecond: bytesPerSecond, layers: changed)
    }
}

extension DiskHeader {
    /// The header that follows this one when a re-encryption begins.
    ///
    /// - Throws: ``DiskFormatError/invalid(_:)`` if one is in progress already.
    package func reencrypting(_ reencryption: HeaderReencryption) throws(DiskFormatError) -> DiskHeader {
        guard self.reencryption == nil else { throw .invalid("the disk is being re-encrypted already") }
        return try next(layers: layers, reencryption: reencryption)
    }

    /// The header that follows this one when its re-encryption is to rest or go on, or at another speed.
    ///
    /// - Throws: ``DiskFormatError/invalid(_:)`` if there is none.
    package func steered(isPaused: Bool, bytesPerSecond: UInt64) throws(DiskFormatError) -> DiskHeader {
        guard let old = reencryption else { throw .invalid("the disk is not being re-encrypted") }
        let new = try HeaderReencryption(job: old.job, isPaused: isPaused, bytesPerSecond: bytesPerSecond, layers: old.layers)
        return try next(layers: layers, reencryption: new)
    }

    /// The header that follows this one when all data is under the new keys.
    ///
    /// - Throws: ``DiskFormatError/invalid(_:)`` if there is no re-encryption in progress.
    package func reencrypted() throws(DiskFormatError) -> DiskHeader {
        guard let reencryption else { throw .invalid("the disk is not being re-encrypted") }
        return try next(layers: reencryption.layers, reencryption: nil)
    }
}
