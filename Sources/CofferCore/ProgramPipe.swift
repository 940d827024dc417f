import CLinux
import Glibc

/// A pipe for what a program writes. No other program that starts meanwhile gets its ends: a reader would wait for that one too.
package struct ProgramPipe: Sendable {
    package let reading: Int32
    package let writing: Int32

    /// - Throws: ``ProgramStart/Failure`` if this process has no room for more files.
    package init() throws(ProgramStart.Failure) {
        var ends: [Int32] = [-1, -1]
        guard unsafe coffer_pipe(&ends) == 0 else { throw ProgramStart.Failure(code: errno) }
        (reading, writing) = (ends[0], ends[1])
    }
}
