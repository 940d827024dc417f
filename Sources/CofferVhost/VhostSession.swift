import CLinux
import CofferBlock
import Glibc

/// A front end and what it has set up, from its connection to its end (QEMU's vhost-user specification). For one thread; each queue that
/// runs has its own.
@safe
final class VhostSession {
    private struct Queue {
        var size: UInt16 = 0
        var addresses: SplitRing.Addresses?
        var base: UInt16 = 0
        var kick: Int32 = -1
        var call: Int32 = -1
        var isEnabled = false
        var runner: QueueRunner?
    }

    static let queueCount = 16
    private static let mostRegions = 8

    private let socket: Int32
    private let disk: EncryptedDisk
    private let identity: String
    private let observe: @Sendable (VhostError) -> Void
    private var features: UInt64 = 0
    private var memory: GuestMemory?
    private var queues = [Queue](repeating: Queue(), count: VhostSession.queueCount)

    /// - Parameter socket: Connected; stays the caller's.
    init(_ socket: Int32, _ disk: EncryptedDisk, identity: String, observe: @escaping @Sendable (VhostError) -> Void) {
        self.socket = socket
        self.disk = disk
        self.identity = identity
        self.observe = observe
    }

    /// Serves the front end until it leaves or is cut off.
    ///
    /// - Parameter heard: Called after its first message.
    func run(heard: () -> Void) {
        do throws(VhostError) {
            if try serveOne() {
                heard()
                while try serveOne() {}
            }
        } catch {
            observe(error)
        }
        for index in queues.indices { forget(index) }
    }

    private func serveOne() throws(VhostError) -> Bool {
        guard let (bytes, files) = try receive(VhostHeader.byteCount) else { return false }
        var unused = files
        defer { for file in unused where file >= 0 { close(file) } }
        guard let header = VhostHeader(bytes) else { throw .badMessage("a message without a head") }
        var payload: [UInt8] = []
        if header.payloadByteCount > 0 {
            guard let (rest, more) = try receive(header.payloadByteCount) else { throw .badMessage("a message without its end") }
            payload = rest
            unused += more
        }
        guard let request = VhostRequest(rawValue: header.code) else { throw .badMessage("message \(header.code)") }
        if let answer = try perform(request, payload, &unused) {
            try send(VhostHeader.reply(to: header.code, answer))
        } else if header.wantsReply {
            try send(VhostHeader.reply(to: header.code, UInt64(0).littleEndianBytes))
        }
        return true
    }

    /// - Returns: The reply's payload, for requests that have one.
    private func perform(_ request: VhostRequest, _ payload: [UInt8], _ files: inout [Int32]) throws(VhostError) -> [UInt8]? {
        var reader = LittleEndianReader(payload)
        switch request {
        case .getFeatures: return VhostFeatures.device(isReadOnly: disk.isReadOnly).littleEndianBytes
        case .setFeatures:
            guard let wanted = reader.long(), wanted & ~VhostFeatures.device(isReadOnly: disk.isReadOnly) == 0 else {
                throw .badMessage("features that were not offered")
            }
            features = wanted
        case .getProtocolFeatures: return VhostFeatures.transport.littleEndianBytes
        case .setProtocolFeatures, .setOwner, .resetOwner, .setQueueError: break
        case .getQueueCount: return UInt64(Self.queueCount).littleEndianBytes
        case .getConfig: return try configuration(&reader)
        case .setConfig: throw .badMessage("a configuration, which nobody may set")
        case .setMemoryTable: try setMemory(&reader, files)
        case .setQueueSize:
            let (index, size) = try state(&reader)
            guard let size = UInt16(exactly: size) else { throw .badMessage("the size of a queue") }
            stopped(index) { $0.size = size }
        case .setQueueBase:
            let (index, base) = try state(&reader)
            guard let base = UInt16(exactly: base) else { throw .badMessage("the base of a queue") }
            stopped(index) { $0.base = base }
        case .getQueueBase:
            let (index, _) = try state(&reader)
            stop(index)
            forgetFiles(index)
            return UInt32(index).littleEndianBytes + UInt32(queues[index].base).littleEndianBytes
        case .setQueueEnable:
            let (index, isEnabled) = try state(&reader)
            stop(index)
            queues[index].isEnabled = isEnabled == 1
            try startIfReady(index)
        case .setQueueAddresses: try setAddresses(&reader)
        case .setQueueKick:
            let (index, file) = try queueFile(&reader, &files)
            guard file >= 0 else { throw .badMessage("a queue that is to be polled") }
            stop(index)
            if queues[index].kick >= 0 { close(queues[index].kick) }
            queues[index].kick = file
            // Without the protocol's features a queue is enabled by its kick.
            if features & VhostFeatures.protocolFeatures == 0 { queues[index].isEnabled = true }
            try startIfReady(index)
        case .setQueueCall:
            let (index, file) = try queueFile(&reader, &files)
            let wasRunning = queues[index].runner != nil
            stop(index)
            if queues[index].call >= 0 { close(queues[index].call) }
            queues[index].call = file
            if wasRunning { try startIfReady(index) }
        }
        return nil
    }

    // MARK: Queues

    private func startIfReady(_ index: Int) throws(VhostError) {
        let queue = queues[index]
        guard queue.runner == nil, queue.isEnabled, queue.kick >= 0, queue.size > 0, let addresses = queue.addresses, let memory else { return }
        // The runner closes its own.
        let kick = dup(queue.kick)
        let call = queue.call >= 0 ? dup(queue.call) : -1
        guard kick >= 0, call >= 0 || queue.call < 0 else { throw .system(errno) }
        let runner = try QueueRunner(
            QueueRunner.Plan(
                memory: memory, size: queue.size, addresses: addresses, base: queue.base,
                usesEventIndex: features & VhostFeatures.eventIndex != 0, kick: kick, call: call),
            disk: disk, identity: identity, observe: observe)
        queues[index].runner = runner
        runner.start()
        // What was offered before the queue ran was perhaps told to nobody.
        coffer_ring(queue.kick)
    }

    private func stop(_ index: Int) {
        guard let runner = queues[index].runner else { return }
        queues[index].base = runner.stop()
        queues[index].runner = nil
    }

    private func stopped(_ index: Int, _ change: (inout Queue) -> Void) {
        stop(index)
        change(&queues[index])
    }

    private func forgetFiles(_ index: Int) {
        if queues[index].kick >= 0 { close(queues[index].kick) }
        if queues[index].call >= 0 { close(queues[index].call) }
        queues[index].kick = -1
        queues[index].call = -1
    }

    private func forget(_ index: Int) {
        stop(index)
        forgetFiles(index)
    }

    // MARK: Messages

    private func state(_ reader: inout LittleEndianReader) throws(VhostError) -> (index: Int, value: UInt32) {
        guard let index = reader.word(), let value = reader.word(), queues.indices.contains(Int(index)) else {
            throw .badMessage("a queue that there is not")
        }
        return (Int(index), value)
    }

    /// The queue that a message is about, and the file that came with it, or -1; the file is taken.
    private func queueFile(_ reader: inout LittleEndianReader, _ files: inout [Int32]) throws(VhostError) -> (index: Int, file: Int32) {
        guard let word = reader.long(), word & 0xff < UInt64(queues.count) else { throw .badMessage("a queue that there is not") }
        let hasFile = word & 0x100 == 0
        guard hasFile == !files.isEmpty else { throw .badMessage("a queue's file") }
        return (Int(word & 0xff), hasFile ? files.removeFirst() : -1)
    }

    private func setAddresses(_ reader: inout LittleEndianReader) throws(VhostError) {
        let (index, _) = try state(&reader)
        guard let descriptors = reader.long(), let used = reader.long(), let available = reader.long(), reader.long() != nil else {
            throw .badMessage("the addresses of a queue")
        }
        stopped(index) { $0.addresses = SplitRing.Addresses(descriptors: descriptors, used: used, available: available) }
    }

    private func setMemory(_ reader: inout LittleEndianReader, _ files: [Int32]) throws(VhostError) {
        guard let count = reader.word(), reader.word() != nil, (1...Self.mostRegions).contains(Int(count)) else {
            throw .badMessage("the number of regions")
        }
        var descriptions: [GuestMemory.Description] = []
        for _ in 0..<count {
            guard let guest = reader.long(), let size = reader.long(), let user = reader.long(), let offset = reader.long(),
                let description = GuestMemory.Description(guestAddress: guest, byteCount: size, userAddress: user, fileOffset: offset)
            else { throw .badMessage("a region of memory") }
            descriptions.append(description)
        }
        let new = try GuestMemory(descriptions, files)
        let running = queues.indices.filter { queues[$0].runner != nil }
        for index in running { stop(index) }
        memory = new
        for index in running { try startIfReady(index) }
    }

    private func configuration(_ reader: inout LittleEndianReader) throws(VhostError) -> [UInt8] {
        let whole = BlockConfiguration(byteCount: disk.byteCount, queueCount: Self.queueCount).bytes
        guard let offset = reader.word(), let size = reader.word(), let flags = reader.word(), size <= 256, offset <= 256 else {
            throw .badMessage("a part of the configuration")
        }
        let padded = whole + [UInt8](repeating: 0, count: 512)
        return offset.littleEndianBytes + size.littleEndianBytes + flags.littleEndianBytes + padded[Int(offset)..<Int(offset) + Int(size)]
    }

    // MARK: Socket

    /// - Returns: nil where the front end has left between two messages.
    private func receive(_ count: Int) throws(VhostError) -> (bytes: [UInt8], files: [Int32])? {
        var bytes = [UInt8](repeating: 0, count: count)
        var files: [Int32] = []
        var done = 0
        while done < count {
            var come = [Int32](repeating: -1, count: Self.mostRegions)
            var found: Int32 = 0
            let got = unsafe bytes.withUnsafeMutableBytes { bytes in
                unsafe coffer_receive_files(socket, bytes.baseAddress.map { unsafe $0 + done }, count - done, &come, Int32(come.count), &found)
            }
            files += come.prefix(Int(found))
            guard got > 0 else {
                for file in files { close(file) }
                if got == 0, done == 0 { return nil }
                throw got == 0 ? .badMessage("a message without its end") : .system(errno)
            }
            done += got
        }
        return (bytes, files)
    }

    private func send(_ bytes: [UInt8]) throws(VhostError) {
        let status = unsafe bytes.withUnsafeBytes { unsafe coffer_send_all(socket, $0.baseAddress, $0.count) }
        guard status == 0 else { throw .system(errno) }
    }
}
