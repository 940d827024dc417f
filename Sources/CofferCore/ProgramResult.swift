import Glibc

/// How a program ended, and what it wrote.
package struct ProgramResult: Sendable {
    /// What becomes of a program's standard error.
    package enum Errors: Sendable {
        case dropped, amongOutput
    }

    /// The exit status, or 128 and the signal's number.
    package let status: Int32
    package let output: [UInt8]

    package var text: String { String(decoding: output, as: UTF8.self) }
}

extension ProgramStart {
    /// Runs a program to its end, on the calling thread.
    ///
    /// - Throws: ``Failure`` if it cannot be started. One that fails is no error.
    package func run(errors: ProgramResult.Errors = .amongOutput) throws(Failure) -> ProgramResult {
        let pipe = try ProgramPipe()
        defer { close(pipe.reading) }
        let process: Int32
        do {
            let nothing = errors == .dropped ? unsafe open("/dev/null", O_WRONLY | O_CLOEXEC) : -1
            defer {
                close(pipe.writing)
                if nothing >= 0 { close(nothing) }
            }
            process = try start(output: pipe.writing, errors: nothing >= 0 ? nothing : pipe.writing)
        }
        var output: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 16 << 10)
        while true {
            let got = unsafe piece.withUnsafeMutableBytes { unsafe read(pipe.reading, $0.baseAddress, $0.count) }
            if got < 0, errno == EINTR { continue }
            guard got > 0 else { break }
            output += piece[..<got]
        }
        var word: Int32 = 0
        while unsafe waitpid(process, &word, 0) < 0, errno == EINTR {}
        return ProgramResult(status: Self.exitStatus(word), output: output)
    }
}
