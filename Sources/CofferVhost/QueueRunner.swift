import CLinux
import CofferBlock
import CofferCore
import Glibc
import Synchronization

/// One queue of a device, on a thread of its own from start to stop.
final class QueueRunner: Sendable {
    /// What a queue needs to run.
    struct Plan: Sendable {
        let memory: GuestMemory
        let size: UInt16
        let addresses: SplitRing.Addresses
        /// How many chains were taken before.
        let base: UInt16
        let usesEventIndex: Bool
        /// Rung by the guest; closed with the runner.
        let kick: Int32
        /// Rings in the guest, or -1.
        let call: Int32
    }

    private enum Progress {
        case running
        /// Ended; how many chains were taken, and what was wrong.
        case ended(UInt16, VhostError?)
    }

    private let plan: Plan
    private let disk: EncryptedDisk
    private let identity: String
    private let stopEvent: Int32
    private let finished = Mutex(Progress.running)
    private let observe: @Sendable (VhostError) -> Void

    /// - Parameter observe: Told what ended the queue, if anything did but ``stop()``.
    /// - Throws: ``VhostError/system(_:)`` if there are no descriptors left.
    init(_ plan: Plan, disk: EncryptedDisk, identity: String, observe: @escaping @Sendable (VhostError) -> Void) throws(VhostError) {
        self.plan = plan
        self.disk = disk
        self.identity = identity
        self.observe = observe
        stopEvent = coffer_event()
        guard stopEvent >= 0 else { throw .system(errno) }
    }

    func start() {
        PosixThread.start(name: "vhost-queue") { [self] in
            var taken = plan.base
            var failure: VhostError?
            do throws(VhostError) {
                try run(&taken)
            } catch {
                failure = error
                observe(error)
            }
            finished.withLock { [taken, failure] in $0 = .ended(taken, failure) }
        }
    }

    /// Lets the request in progress end, and the thread with it.
    ///
    /// - Returns: How many chains were taken in all.
    func stop() -> UInt16 {
        coffer_ring(stopEvent)
        while true {
            if case .ended(let taken, _) = finished.withLock({ $0 }) { return taken }
            // A request may wait for the file or for a copy of the disk; there is nothing else to do meanwhile.
            usleep(500)
        }
    }

    private func run(_ taken: inout UInt16) throws(VhostError) {
        var ring = try SplitRing(
            plan.memory, size: plan.size, at: plan.addresses, taken: plan.base, usesEventIndex: plan.usesEventIndex)
        let channel: DiskChannel
        do throws(BlockError) { channel = try disk.makeChannel() } catch { throw .badRing("the disk is closed") }
        defer { channel.end() }
        let requests = BlockRequests(channel, identity: identity, isReadOnly: disk.isReadOnly)
        var segments: [SplitRing.Segment] = []
        segments.reserveCapacity(256)
        // Who ran the queue before may have been killed after it gave a chain back and before it told.
        tell()
        repeat {
            repeat {
                // A request that breaks the queue was taken, but never given back: it is done again by whoever goes on.
                while let head = try ring.take(&segments) {
                    ring.give(head, written: try requests.perform(segments))
                    taken = ring.taken
                    if ring.shouldTell() { tell() }
                    if coffer_is_rung(stopEvent) == 1 { return }
                }
            } while ring.awaitMore()
        } while coffer_await_ring(plan.kick, stopEvent) == 1
    }

    private func tell() {
        if plan.call >= 0 { coffer_ring(plan.call) }
    }

    deinit {
        close(stopEvent)
        close(plan.kick)
        if plan.call >= 0 { close(plan.call) }
    }
}
