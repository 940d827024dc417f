package import CofferCore
package import CofferModel

/// What the `header` file of a disk says: the disk's size and, for each layer of encryption, the wrapped data key.
///
/// docs/formats/disk.md is normative for the bytes.
///
/// When you change what the file holds: raise ``version``, keep reading the versions before it, and describe it there.
package struct DiskHeader: Equatable, Sendable {
    /// The newest version of the format that this program reads. A header is written in the oldest that can hold it.
    package static let version: UInt32 = 3
    /// Bytes in a sector, the unit that is encrypted.
    package static let sectorByteCount = 4096
    /// The number by which layer 0 of a re-encryption's target is addressed.
    package static let firstTargetLayer = 2
    /// The largest disk, 64 TiB, in bytes.
    package static let maximumByteCount: UInt64 = 1 << 46

    /// The disk that this header belongs to.
    package let disk: DiskID
    /// The size that a guest sees, in bytes; a multiple of 4096 from 4096 to ``maximumByteCount``.
    package let byteCount: UInt64
    /// Counts the headers written for this disk, from 1.
    package let generation: UInt64
    /// Up to two, layer 0 first; none of a disk that is not encrypted.
    package let layers: [HeaderLayer]
    /// The re-encryption in progress; nil unless there is one.
    package let reencryption: HeaderReencryption?

    /// - Throws: ``DiskFormatError/invalid(_:)`` if a value is out of its range.
    package init(
        disk: DiskID, byteCount: UInt64, generation: UInt64, layers: [HeaderLayer], reencryption: HeaderReencryption? = nil
    ) throws(DiskFormatError) {
        guard byteCount > 0, byteCount % UInt64(Self.sectorByteCount) == 0, byteCount <= Self.maximumByteCount else {
            throw .invalid("a disk has a multiple of 4096 bytes, from 4096 to 64 TiB")
        }
        guard generation > 0 else { throw .invalid("generations count from 1") }
        guard layers.count <= 2 else { throw .invalid("a disk has at most two layers of encryption") }
        self.disk = disk
        self.byteCount = byteCount
        self.generation = generation
        self.layers = layers
        self.reencryption = reencryption
    }

    /// A layer by its number: 0 and 1 are the present layers, 2 and 3 those that a re-encryption in progress leads to.
    package func layer(_ number: Int) -> HeaderLayer? {
        if layers.indices.contains(number) { return layers[number] }
        guard let target = reencryption?.layers, target.indices.contains(number - Self.firstTargetLayer) else { return nil }
        return target[number - Self.firstTargetLayer]
    }

    /// The header that follows this one when the wrapped key of layer `number` is replaced; the data key stays the same.
    ///
    /// - Throws: ``DiskFormatError/invalid(_:)`` if there is no such layer.
    package func rewrapped(layer number: Int, to layer: DiskLayer) throws(DiskFormatError) -> DiskHeader {
        guard let old = self.layer(number) else { throw .invalid("the disk has no layer \(number)") }
        let new = try HeaderLayer(layer, check: old.check)
        var (present, job) = (layers, reencryption)
        if number < Self.firstTargetLayer { present[number] = new } else { job = try job?.rewrapped(number - Self.firstTargetLayer, to: new) }
        return try next(layers: present, reencryption: job)
    }

    /// The header that follows this one when the disk is made larger.
    ///
    /// - Throws: ``DiskFormatError/invalid(_:)`` unless `byteCount` is larger and a size that a disk can have.
    package func grown(to byteCount: UInt64) throws(DiskFormatError) -> DiskHeader {
        guard byteCount > self.byteCount else { throw .invalid("a disk can be made larger only") }
        return try DiskHeader(
            disk: disk, byteCount: byteCount, generation: nextGeneration(), layers: layers, reencryption: reencryption)
    }

    /// The header that follows this one with other layers or another state of its re-encryption.
    func next(layers: [HeaderLayer], reencryption: HeaderReencryption?) throws(DiskFormatError) -> DiskHeader {
        try DiskHeader(disk: disk, byteCount: byteCount, generation: nextGeneration(), layers: layers, reencryption: reencryption)
    }

    private func nextGeneration() throws(DiskFormatError) -> UInt64 {
        let (next, overflow) = generation.addingReportingOverflow(1)
        guard !overflow else { throw .invalid("the disk has used up its generations") }
        return next
    }

    /// Proves that `key` is the data key of layer `number`.
    ///
    /// - Throws: ``DiskFormatError/wrongKey(layer:)`` if it is not, or there is no such layer.
    package func prove(_ key: borrowing SecretBytes, isLayer number: Int) throws(DiskFormatError) {
        guard let layer = layer(number), key.count == LayerKeys.keyByteCount,
            layer.check.matches(key, disk: disk, layer: number % Self.firstTargetLayer)
        else { throw .wrongKey(layer: number) }
    }

    /// Proves that `keys` are the data keys of all present layers.
    ///
    /// - Throws: ``DiskFormatError/wrongKey(layer:)`` for the first that is not.
    package func prove(_ keys: borrowing LayerKeys) throws(DiskFormatError) {
        try prove(keys, are: layers.count, from: 0)
    }

    /// Proves that `keys` are the data keys of all layers that the re-encryption leads to.
    ///
    /// - Throws: ``DiskFormatError/wrongKey(layer:)`` for the first that is not.
    package func proveTarget(_ keys: borrowing LayerKeys) throws(DiskFormatError) {
        try prove(keys, are: reencryption?.layers.count ?? 0, from: Self.firstTargetLayer)
    }

    private func prove(_ keys: borrowing LayerKeys, are count: Int, from first: Int) throws(DiskFormatError) {
        guard keys.count == count else { throw .wrongKey(layer: first + min(keys.count, count)) }
        _ = try keys.withInner { (key) throws(DiskFormatError) in try prove(key, isLayer: first) }
        _ = try keys.withOuter { (key) throws(DiskFormatError) in try prove(key, isLayer: first + 1) }
    }
}

/// One layer in a header: how its data key is wrapped, and the check value of that data key.
package struct HeaderLayer: Equatable, Sendable {
    /// The longest key id, in bytes of UTF-8.
    package static let maximumKeyIDByteCount = 1024
    /// The longest algorithm name, in bytes of UTF-8.
    package static let maximumAlgorithmByteCount = 32
    /// The longest wrapped key, in bytes.
    package static let maximumWrappedKeyByteCount = 1024

    /// The key id, the algorithm and the wrapped data key.
    package let layer: DiskLayer
    /// Of the data key, not of the wrapped one: it stays when the key is wrapped anew.
    package let check: KeyCheck

    /// - Throws: ``DiskFormatError/invalid(_:)`` if a text or the wrapped key is empty or too long.
    package init(_ layer: DiskLayer, check: KeyCheck) throws(DiskFormatError) {
        guard 1...Self.maximumKeyIDByteCount ~= layer.keyID.utf8.count else {
            throw .invalid("a key id has 1 to \(Self.maximumKeyIDByteCount) bytes")
        }
        guard 1...Self.maximumAlgorithmByteCount ~= layer.algorithm.utf8.count else {
            throw .invalid("an algorithm's name has 1 to \(Self.maximumAlgorithmByteCount) bytes")
        }
        guard 1...Self.maximumWrappedKeyByteCount ~= layer.wrappedKey.count else {
            throw .invalid("a wrapped key has 1 to \(Self.maximumWrappedKeyByteCount) bytes")
        }
        self.layer = layer
        self.check = check
    }
}
