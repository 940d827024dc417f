import CofferCore
import Glibc

/// Turns SIGINT, SIGTERM and SIGHUP into a call on a thread of its own.
///
/// The signal handler only writes a byte into a pipe, which is about all that a handler may do; a handler, unlike a blocked
/// signal, is not inherited by the programs that are started.
enum Interrupt {
    private nonisolated(unsafe) static var writeEnd: Int32 = -1

    static func catchSignals(_ body: @escaping @Sendable (Int32) -> Void) {
        var ends: [Int32] = [-1, -1]
        guard unsafe pipe(&ends) == 0 else { return }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        let readEnd = ends[0]
        // SAFETY: written once, before a handler that reads it is installed.
        unsafe writeEnd = ends[1]
        PosixThread.start(name: "interrupt") {
            var number: UInt8 = 0
            while unsafe read(readEnd, &number, 1) != 1 {}
            body(Int32(number))
        }
        for number in [SIGINT, SIGTERM, SIGHUP] {
            signal(number) { number in
                var byte = UInt8(truncatingIfNeeded: number)
                _ = unsafe write(Interrupt.writeEnd, &byte, 1)
            }
        }
    }
}
