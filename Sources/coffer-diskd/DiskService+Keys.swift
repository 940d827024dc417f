import CofferBlock
import CofferCore
import CofferCrypto
import CofferDiskFormat
import CofferModel

/// Data keys on their way from a command to a disk, and from one wrap to another.
extension DiskService {
    /// - Parameter first: The number of the first layer.
    func unseal(_ sealed: some Sequence<SealedKey>, for disk: DiskID, from first: Int = 0) throws(DiskFailure) -> LayerKeys {
        let sealed = Array(sealed)
        switch sealed.count {
        case 0: return LayerKeys()
        case 1: return LayerKeys(inner: try unseal(sealed[0], for: disk, layer: first))
        case 2:
            let outer = try unseal(sealed[1], for: disk, layer: first + 1)
            return LayerKeys(inner: try unseal(sealed[0], for: disk, layer: first), outer: outer)
        default: throw DiskFailure(.badCommand, "a disk has at most two data keys")
        }
    }

    private func unseal(_ sealed: SealedKey, for disk: DiskID, layer: Int) throws(DiskFailure) -> SecretBytes {
        do {
            let key = try recipient.key.open(
                sealed.box, info: SealedKey.purpose, authenticating: SealedKey.binding(disk: disk, layer: layer))
            if key.count == LayerKeys.keyByteCount { return key }
        } catch {}
        throw DiskFailure(.wrongKey, "the sealed key for layer \(layer) was not made for this process and this disk")
    }

    /// Refuses keys that no disk should be made with.
    func checkFit(_ keys: borrowing LayerKeys) throws(DiskFailure) {
        if keys.withOuter({ keys.holds($0, asLayer: 0) }) == true {
            throw DiskFailure(.badCommand, "the layers of a disk need different data keys")
        }
        do {
            _ = try keys.withInner { (key) throws(CryptoError) in try XTSCipher(key: key) }
            _ = try keys.withOuter { (key) throws(CryptoError) in try XTSCipher(key: key) }
        } catch {
            throw DiskFailure(.wrongKey, "a data key is none for AES-256-XTS")
        }
    }

    func rewrap(
        _ disk: DiskID, _ index: Int, to layer: DiskLayer, _ sealed: SealedKey, from generation: UInt64
    ) throws(DiskFailure) -> DiskStatus {
        let key = try unseal(sealed, for: disk, layer: index)
        return try withUnit(disk) { (open) throws(DiskFailure) in
            if let changed = try rewrapCopy(disk, index, to: layer, key, from: generation) { return changed }
            let old = try header(disk)
            // Before anything else, so that no caller learns more than that its key is wrong.
            try format(disk) { () throws(DiskFormatError) in try old.prove(key, isLayer: index) }
            if !isStoredForm(disk), open?.holds(key, asLayer: index) == false { throw DiskFailure(DiskFormatError.wrongKey(layer: index), path: "") }
            if old.generation == generation &+ 1, old.layer(index)?.layer == layer {
                // A repetition of what was done already.
                try format(disk) { () throws(DiskFormatError) in try store.settle(disk) }
                return try status(old, open)
            }
            guard old.generation == generation else {
                throw DiskFailure(.generationChanged, "the header has generation \(old.generation), not \(generation)")
            }
            try format(disk) { () throws(DiskFormatError) in try store.replaceHeader(with: old.rewrapped(layer: index, to: layer)) }
            log.write("rewrapped", [("disk", disk.text), ("layer", String(index)), ("key", layer.keyID)])
            return try status(header(disk), open)
        }
    }

    /// Re-wraps the key of a disk that is being copied, whose header is not stored yet.
    ///
    /// - Returns: nil if there is no such copy in progress any more.
    private func rewrapCopy(
        _ disk: DiskID, _ index: Int, to layer: DiskLayer, _ key: borrowing SecretBytes, from generation: UInt64
    ) throws(DiskFailure) -> DiskStatus? {
        guard let job = copies[disk] else { return nil }
        let changed = try job.change { (old) throws(DiskFailure) in
            try format(disk) { () throws(DiskFormatError) in try old.prove(key, isLayer: index) }
            if old.generation == generation &+ 1, old.layer(index)?.layer == layer { return old }
            guard old.generation == generation else {
                throw DiskFailure(.generationChanged, "the header has generation \(old.generation), not \(generation)")
            }
            return try format(disk) { () throws(DiskFormatError) in try old.rewrapped(layer: index, to: layer) }
        }
        return changed == nil ? nil : status(of: job)
    }
}
