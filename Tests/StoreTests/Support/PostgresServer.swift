import CofferCore
import CofferTesting
import Foundation
import Glibc
import Synchronization

/// A PostgreSQL server of the tests' own, on a Unix socket in a directory of its own under /tmp.
///
/// A shell starts it and waits for the end of its standard input, which comes when this process ends in whatever way; then
/// it stops the server and removes the directory.
final class PostgresServer: Sendable {
    /// The server, started at first use; nil where PostgreSQL is not installed.
    static let shared: PostgresServer? = isInstalled ? try? PostgresServer() : nil
    static let isInstalled = binaries != nil

    private let directory: String
    private let process: Process
    private let input: Pipe
    private let databaseCount = Mutex(0)

    /// Where `initdb` and `postgres` are.
    private static let binaries: String? = {
        let root = "/usr/lib/postgresql"
        let versions = (try? FileManager.default.contentsOfDirectory(atPath: root)) ?? []
        return versions.sorted { (Int($0) ?? 0) > (Int($1) ?? 0) }.map { "\(root)/\($0)/bin" }
            .first { FileManager.default.isExecutableFile(atPath: $0 + "/initdb") }
    }()

    private static let script = """
        trap '' INT TERM HUP
        bin=$1 dir=$2
        if [ "$(id -u)" = 0 ]; then
            chown postgres "$dir"
            as="setpriv --reuid=postgres --regid=postgres --clear-groups"
        fi
        cd "$dir"
        $as "$bin/initdb" -D "$dir/data" -U coffer -A trust -E UTF8 --locale=C -N --no-instructions >"$dir/log" 2>&1 || exit 1
        $as "$bin/postgres" -D "$dir/data" -k "$dir" -c listen_addresses= -c fsync=off -c shared_buffers=32MB \
            -c max_connections=200 </dev/null >>"$dir/log" 2>&1 &
        server=$!
        until "$bin/pg_isready" -q -h "$dir"; do
            kill -0 $server || exit 1
            sleep 0.02
        done
        echo ready
        cat >/dev/null
        kill -INT $server
        wait $server
        cd /
        rm -rf "$dir"
        """

    private init() throws {
        directory = "/tmp/coffer-pg-\(UUID().uuidString.prefix(8).lowercased())"
        try FileManager.default.createDirectory(
            atPath: directory, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o755]
        )
        process = Process()
        input = Pipe()
        let output = Pipe()
        process.executableURL = URL(filePath: "/bin/sh")
        process.arguments = ["-c", Self.script, "sh", Self.binaries ?? "", directory]
        process.standardInput = input
        process.standardOutput = output
        try process.run()
        guard String(decoding: output.fileHandleForReading.availableData, as: UTF8.self).hasPrefix("ready") else {
            throw PostgresServerError(text: (try? String(contentsOfFile: directory + "/log", encoding: .utf8)) ?? "")
        }
    }

    /// Makes an empty database and tells its URL.
    func makeDatabase(encoding: String = "UTF8") throws -> String {
        let number = databaseCount.withLock { count in
            count += 1
            return count
        }
        let name = "t\(getpid())_\(number)"
        try run("CREATE DATABASE \(name) TEMPLATE template0 ENCODING '\(encoding)'", in: url("postgres"))
        return url(name)
    }

    /// Runs SQL as another client would, and gives what it prints.
    @discardableResult
    func run(_ sql: String, in url: String) throws -> String {
        let own = (Self.binaries ?? "") + "/psql"
        let psql = FileManager.default.isExecutableFile(atPath: own) ? own : "psql"
        let end = try ToolProcess.run([psql, "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d", url, "-c", sql])
        guard end.status == 0 else { throw PostgresServerError(text: end.text) }
        return end.text
    }

    private func url(_ database: String) -> String {
        "postgres://coffer@/\(database)?host=\(directory)"
    }
}

struct PostgresServerError: Error {
    let text: String
}
