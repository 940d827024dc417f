import ArgumentParser
import Glibc

/// Why `coffer serve` could not start: a sentence and the exit code of sysexits.h.
struct StartFailure: Error, CustomStringConvertible {
    let description: String
    let exitCode: ExitCode

    /// 78, EX_CONFIG: what was configured does not fit what is there.
    static func configuration(_ message: String) -> StartFailure {
        StartFailure(description: message, exitCode: ExitCode(78))
    }

    /// 75, EX_TEMPFAIL: another process is in the way.
    static func busy(_ message: String) -> StartFailure {
        StartFailure(description: message, exitCode: ExitCode(75))
    }

    /// 71, EX_OSERR.
    static func system(_ message: String, _ code: Int32) -> StartFailure {
        StartFailure(description: "\(message): \(unsafe String(cString: strerror(code)))", exitCode: ExitCode(71))
    }
}
