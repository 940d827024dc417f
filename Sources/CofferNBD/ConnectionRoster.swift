import Glibc

/// The connections of a server: how many there are, whom they talk to, and a way to end them.
@safe
final class ConnectionRoster: @unchecked Sendable {
    // SAFETY: `entries` and `nextNumber` are touched only under `mutex`, which lives as long as this object.
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let changed = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    private var entries: [Int: Entry] = [:]
    private var nextNumber = 0

    private struct Entry {
        let socket: Int32
        var export: String?
        /// The SHA-256 of what the client has shown.
        var certificate: [UInt8]?
    }

    init() {
        unsafe pthread_mutex_init(mutex, nil)
        unsafe pthread_cond_init(changed, nil)
    }

    /// Takes a connection in, which is then closed by ``remove(_:)`` alone.
    ///
    /// - Returns: Its number, or nil if there are `limit` already.
    func add(_ socket: Int32, limit: Int) -> Int? {
        locked {
            guard entries.count < limit else { return nil }
            nextNumber += 1
            entries[nextNumber] = Entry(socket: socket)
            return nextNumber
        }
    }

    /// Notes that a connection has finished its handshake.
    ///
    /// - Returns: Whether it may go on: false if `export` has `limit` connections already.
    func assign(_ number: Int, to export: String, limit: Int) -> Bool {
        locked {
            guard entries.values.count(where: { $0.export == export }) < limit else { return false }
            entries[number]?.export = export
            return true
        }
    }

    /// Notes which certificate a client has shown.
    func note(_ certificate: [UInt8], of number: Int) {
        locked { entries[number]?.certificate = certificate }
    }

    /// Connections that use `export`.
    func count(of export: String) -> Int {
        locked { entries.values.count { $0.export == export } }
    }

    /// Closes a connection and forgets it.
    func remove(_ number: Int) {
        locked {
            if let entry = entries.removeValue(forKey: number) { close(entry.socket) }
            unsafe pthread_cond_broadcast(changed)
        }
    }

    /// Ends the connections of `export`, or all, and waits until they are gone: what they have sent is done and answered first if
    /// they take the answers within `grace`.
    func end(_ export: String?, grace: Duration) {
        end(grace) { export == nil || $0.export == export }
    }

    /// Ends the connections whose clients have shown one of these certificates, at once, and waits until they are gone.
    func end(certificates: Set<[UInt8]>) {
        end(nil) { $0.certificate.map(certificates.contains) == true }
    }

    private func end(_ grace: Duration?, _ isMeant: (Entry) -> Bool) {
        if let grace {
            shut(Int32(SHUT_RD), isMeant)
            if wait(until: Self.deadline(after: grace), isMeant) { return }
        }
        shut(Int32(SHUT_RDWR), isMeant)
        _ = wait(until: nil, isMeant)
    }

    private func shut(_ how: Int32, _ isMeant: (Entry) -> Bool) {
        locked {
            for entry in entries.values where isMeant(entry) { _ = shutdown(entry.socket, how) }
        }
    }

    private func wait(until deadline: timespec?, _ isMeant: (Entry) -> Bool) -> Bool {
        locked {
            while entries.values.contains(where: isMeant) {
                if var deadline {
                    if unsafe pthread_cond_timedwait(changed, mutex, &deadline) == ETIMEDOUT { return false }
                } else {
                    unsafe pthread_cond_wait(changed, mutex)
                }
            }
            return true
        }
    }

    private static func deadline(after duration: Duration) -> timespec {
        var time = timespec()
        _ = unsafe clock_gettime(CLOCK_REALTIME, &time)
        time.tv_sec += Int(duration.components.seconds)
        return time
    }

    private func locked<R>(_ body: () -> R) -> R {
        unsafe pthread_mutex_lock(mutex)
        defer { unsafe pthread_mutex_unlock(mutex) }
        return body()
    }

    deinit {
        unsafe pthread_mutex_destroy(mutex)
        unsafe pthread_cond_destroy(changed)
        unsafe mutex.deallocate()
        unsafe changed.deallocate()
    }
}
