package import CofferCrypto
package import CofferDiskFormat
package import CofferCore
import Synchronization

/// An open disk: what its bytes are kept in and, unless it is suspended, its data keys.
///
/// I/O goes through a ``DiskChannel`` per connection, each with ciphers of its own, so that connections share no lock but that of
/// the ranges they touch.
package final class EncryptedDisk: Sendable {
    /// The size that a guest sees, in bytes.
    package var byteCount: UInt64 { currentByteCount.load(ordering: .relaxed) }
    package let isReadOnly: Bool

    /// Counts what its clients do since it was opened.
    package let meter = DiskMeter()

    private let engine: XTSEngine
    let storage: any DiskStorage
    let ranges = RangeLock()
    /// How far its re-encryption is, if there is one.
    let watermark = Watermark(byteCount: 0)
    private let state: Mutex<State>
    private let currentByteCount: Atomic<UInt64>

    private struct State: ~Copyable {
        var keys: LayerKeys?
        /// The keys of what is re-encrypted already, while there is a re-encryption.
        var target: LayerKeys?
        var reason: String?
        /// Whether I/O waits for the keys while there are none.
        var isWaiting = false
        var isClosed = false
        var channels: [Int: DiskChannel] = [:]
        var nextChannel = 0
    }

    /// A disk whose bytes are kept in `storage`.
    ///
    /// - Parameters:
    ///   - byteCount: The size that a guest sees, a multiple of 4096.
    ///   - keys: The data keys, already proved by the disk's header.
    /// - Throws: ``BlockError/badKey``.
    package init(
        _ storage: any DiskStorage, byteCount: UInt64, keys: consuming LayerKeys, isReadOnly: Bool, engine: XTSEngine = .fastest
    ) throws(BlockError) {
        currentByteCount = Atomic(byteCount)
        self.isReadOnly = isReadOnly
        self.engine = engine
        self.storage = storage
        _ = try CipherStack(keys, engine)
        state = Mutex(State(keys: consume keys))
    }

    /// A way to do I/O for one thread. The caller ends it with ``DiskChannel/end()``.
    ///
    /// - Throws: ``BlockError/closed``. While the disk is suspended the channel is made and its I/O fails.
    package func makeChannel() throws(BlockError) -> DiskChannel {
        try state.withLock { (state) throws(BlockError) in
            guard !state.isClosed else { throw BlockError.closed }
            let channel = DiskChannel(self, number: state.nextChannel)
            state.nextChannel += 1
            state.channels[channel.number] = channel
            try equip(channel, state)
            return channel
        }
    }

    /// Why the disk is suspended, or nil if it is not.
    package var suspensionReason: String? { state.withLock { $0.reason } }

    /// Wipes the data keys and the ciphers of all channels. When this returns, I/O in progress has ended and all later I/O fails, or
    /// waits until ``resume(with:)``, ``releaseWaiting()`` or ``close()``.
    package func suspend(reason: String, isWaiting: Bool = false) {
        state.withLock { state in
            state.keys = nil
            state.target = nil
            state.reason = reason
            state.isWaiting = isWaiting
            for channel in state.channels.values { channel.equip(with: nil, isWaiting: isWaiting) }
        }
    }

    /// Lets I/O that waits for the keys fail, so that whoever waits can end.
    package func releaseWaiting() {
        state.withLock { state in
            guard state.isWaiting else { return }
            state.isWaiting = false
            for channel in state.channels.values { channel.equip(with: nil) }
        }
    }

    /// Gives a suspended disk its keys again, already proved by the header.
    ///
    /// - Parameter target: The keys that its re-encryption leads to, if there is one.
    /// - Throws: ``BlockError/closed``, ``BlockError/badKey``.
    package func resume(with keys: consuming LayerKeys, target: consuming LayerKeys? = nil) throws(BlockError) {
        var slot: LayerKeys? = consume keys
        var targetSlot = consume target
        try state.withLock { (state) throws(BlockError) in
            guard !state.isClosed else { throw BlockError.closed }
            state.keys = slot.take()
            state.target = targetSlot.take()
            state.reason = nil
            state.isWaiting = false
            for channel in state.channels.values { try equip(channel, state) }
        }
    }

    /// Lets I/O reach as far as `byteCount`, once the data file and the header do.
    package func grow(to byteCount: UInt64) {
        currentByteCount.max(byteCount, ordering: .relaxed)
    }

    /// Whether `key` is the data key of layer `layer` in use, compared in constant time; nil while the disk is suspended.
    ///
    /// - Parameter layer: As ``DiskHeader/layer(_:)`` has it.
    package func holds(_ key: borrowing SecretBytes, asLayer layer: Int) -> Bool? {
        let first = DiskHeader.firstTargetLayer
        return state.withLock { state in
            if layer < first { Self.holds(state.keys, key, layer) } else { Self.holds(state.target, key, layer - first) }
        }
    }

    private static func holds(_ keys: borrowing LayerKeys?, _ key: borrowing SecretBytes, _ layer: Int) -> Bool? {
        switch keys {
        case .some(let keys): keys.holds(key, asLayer: layer)
        case .none: nil
        }
    }

    /// Whether it has the keys that a re-encryption leads to.
    package var isReencrypting: Bool { state.withLock { $0.target != nil } }

    /// Bytes from the start of the disk that are re-encrypted.
    package var reencryptedByteCount: UInt64 { watermark.byteCount }

    /// From now on what is below a watermark has other keys. Nothing is moved yet: that is what a ``Reencryption`` does.
    ///
    /// - Parameters:
    ///   - keys: Already proved by the header.
    ///   - byteCount: How far an earlier part of the same re-encryption came; until this returns nobody may do I/O unless it is 0.
    /// - Throws: ``BlockError/closed``, ``BlockError/suspended``, ``BlockError/badKey`` (also if it has keys of a re-encryption already).
    package func beginReencryption(to keys: consuming LayerKeys, from byteCount: UInt64) throws(BlockError) {
        var slot: LayerKeys? = consume keys
        try state.withLock { (state) throws(BlockError) in
            guard !state.isClosed else { throw BlockError.closed }
            guard state.keys != nil else { throw BlockError.suspended }
            guard state.target == nil else { throw BlockError.badKey }
            watermark.move(to: byteCount)
            state.target = slot.take()
            for channel in state.channels.values { try equip(channel, state) }
        }
    }

    /// Drops the old keys: all data is under the new ones.
    ///
    /// - Throws: ``BlockError/suspended`` if the keys are gone, ``BlockError/badKey``.
    package func endReencryption() throws(BlockError) {
        try state.withLock { (state) throws(BlockError) in
            guard let keys = state.target.take() else { throw BlockError.suspended }
            state.keys = consume keys
            for channel in state.channels.values { try equip(channel, state) }
            watermark.move(to: 0)
        }
    }

    /// Puts everything that was written on stable storage.
    package func sync() throws(BlockError) {
        guard !isReadOnly else { return }
        try storage.sync()
    }

    /// Ends all I/O, syncs, wipes the keys and gives the storage up.
    ///
    /// - Throws: What ``sync()`` throws; the disk is closed all the same.
    package func close() throws(BlockError) {
        state.withLock { state in
            state.isClosed = true
            state.keys = nil
            state.target = nil
            for channel in state.channels.values { channel.equip(with: nil) }
            state.channels = [:]
        }
        defer { storage.close() }
        try sync()
    }

    /// Bytes that its storage occupies.
    package var allocatedByteCount: UInt64 { storage.allocatedByteCount() }

    func end(_ channel: DiskChannel) {
        state.withLock { $0.channels[channel.number] = nil }
        meter.end(channel.meter)
        channel.equip(with: nil)
    }

    private func equip(_ channel: DiskChannel, _ state: borrowing State) throws(BlockError) {
        switch state.keys {
        case .some(let keys): channel.equip(with: try CipherStack(keys, engine, successor: successor(state)))
        case .none: channel.equip(with: nil, isWaiting: state.isWaiting)
        }
    }

    private func successor(_ state: borrowing State) throws(BlockError) -> CipherStack.Successor? {
        switch state.target {
        case .some(let keys): CipherStack.Successor(stack: try CipherStack(keys, engine), watermark: watermark)
        case .none: nil
        }
    }
}
