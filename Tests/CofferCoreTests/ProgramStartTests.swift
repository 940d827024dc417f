import Glibc
import Testing

@testable import CofferCore

@Suite("Starting programs")
struct ProgramStartTests {
    /// Starts a program from a thread that blocks SIGTERM in a process that ignores it, as servers do.
    private func startDeaf(_ words: [String], _ family: ProgramStart.Family) throws -> Int32 {
        var (term, old) = (sigset_t(), sigset_t())
        unsafe sigemptyset(&term)
        unsafe sigaddset(&term, SIGTERM)
        unsafe pthread_sigmask(SIG_BLOCK, &term, &old)
        defer { unsafe pthread_sigmask(SIG_SETMASK, &old, nil) }
        return try ProgramStart(words, family: family).start(output: STDOUT_FILENO, errors: STDERR_FILENO)
    }

    private func end(of process: Int32) -> Int32 {
        var status: Int32 = 0
        while unsafe waitpid(process, &status, 0) < 0, errno == EINTR {}
        return status
    }

    @Test("A program of its own session or group hears SIGTERM, whoever starts it", arguments: [ProgramStart.Family.session, .group])
    func hearing(family: ProgramStart.Family) throws {
        let process = try startDeaf(["sleep", "1000"], family)
        kill(process, SIGTERM)
        #expect(end(of: process) & 0x7F == SIGTERM)
    }

    @Test("A program is in the family that was asked for")
    func families() throws {
        let session = try startDeaf(["sleep", "1000"], .session)
        let group = try startDeaf(["sleep", "1000"], .group)
        let shared = try startDeaf(["sleep", "1000"], .shared)
        #expect(getsid(session) == session)
        #expect(getpgid(group) == group && getsid(group) == getsid(0))
        #expect(getpgid(shared) == getpgid(0))
        for process in [session, group, shared] {
            kill(process, SIGKILL)
            #expect(end(of: process) & 0x7F == SIGKILL)
        }
    }

    @Test("A program that is not there is an error, and one has no other file than it was given")
    func files() throws {
        #expect(throws: ProgramStart.Failure(code: ENOENT)) { try ProgramStart(["/nonexistent"], family: .shared).start(output: 1, errors: 2) }
        let file = unsafe open("/dev/null", O_RDONLY)
        defer { close(file) }
        let process = try ProgramStart(["sh", "-c", "test ! -e /proc/self/fd/\(file)"], family: .group).start(output: 1, errors: 2)
        #expect(end(of: process) == 0)
    }
}
