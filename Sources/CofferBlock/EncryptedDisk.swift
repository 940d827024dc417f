package import CofferCrypto
package import CofferDiskFormat
package import CofferCore
import Synchronization

/// An open disk: its data file and, unless it is suspended, its data keys.
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
    let file: DataFile
    let ranges = RangeLock()
    private let state: Mutex<State>
    private let currentByteCount: Atomic<UInt64>

    private struct State: ~Copyable {
        var keys: LayerKeys?
        var reason: String?
        /// Whether I/O waits for the keys while there are none.
        var isWaiting = false
        var isClosed = false
        var channels: [Int: DiskChannel] = [:]
        var nextChannel = 0
    }

    /// Opens the data file of the disk that `header` describes.
    ///
    /// - Parameters:
    ///   - keys: The data keys, already proved by `header.prove(_:)`.
    ///   - engine: What runs the ciphers; one that is available.
    /// - Throws: ``BlockError/system(_:)`` if the file cannot be opened, ``BlockError/badKey``.
    package init(
        _ header: DiskHeader, dataPath: String, keys: consuming LayerKeys, isReadOnly: Bool, engine: XTSEngine = .fastest
    ) throws(BlockError) {
        currentByteCount = Atomic(header.byteCount)
        self.isReadOnly = isReadOnly
        self.engine = engine
        _ = try CipherStack(keys, engine)
        file = try DataFile(path: dataPath, isReadOnly: isReadOnly)
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
    /// - Throws: ``BlockError/closed``, ``BlockError/badKey``.
    package func resume(with keys: consuming LayerKeys) throws(BlockError) {
        var slot: LayerKeys? = consume keys
        try state.withLock { (state) throws(BlockError) in
            guard !state.isClosed else { throw BlockError.closed }
            state.keys = slot.take()
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
    package func holds(_ key: borrowing SecretBytes, asLayer layer: Int) -> Bool? {
        state.withLock { state in
            switch state.keys {
            case .some(let keys): keys.holds(key, asLayer: layer)
            case .none: nil
            }
        }
    }

    /// Puts everything that was written on stable storage.
    package func sync() throws(BlockError) {
        guard !isReadOnly else { return }
        try file.sync()
    }

    /// Ends all I/O, syncs and wipes the keys.
    ///
    /// - Throws: What ``sync()`` throws; the disk is closed all the same.
    package func close() throws(BlockError) {
        state.withLock { state in
            state.isClosed = true
            state.keys = nil
            for channel in state.channels.values { channel.equip(with: nil) }
            state.channels = [:]
        }
        try sync()
    }

    /// Bytes that the data file occupies.
    package var allocatedByteCount: UInt64 { file.allocatedByteCount() }

    func end(_ channel: DiskChannel) {
        state.withLock { $0.channels[channel.number] = nil }
        meter.end(channel.meter)
        channel.equip(with: nil)
    }

    private func equip(_ channel: DiskChannel, _ state: borrowing State) throws(BlockError) {
        switch state.keys {
        case .some(let keys): channel.equip(with: try CipherStack(keys, engine))
        case .none: channel.equip(with: nil, isWaiting: state.isWaiting)
        }
    }
}
