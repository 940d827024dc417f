import CofferCore
import CofferTesting
import Foundation

/// A program of the machine that some tests hold the code against.
enum Tool {
    static func path(_ name: String) -> String? {
        ["/usr/bin/", "/usr/local/bin/"].map { $0 + name }.first { FileManager.default.isExecutableFile(atPath: $0) }
    }

    static func has(_ name: String) -> Bool {
        path(name) != nil
    }

    /// The bytes of a file that a program wrote.
    static func read(_ path: String) throws -> [UInt8] {
        Array(try Data(contentsOf: URL(filePath: path)))
    }

    /// Runs the program to its end and gives its exit status and what it wrote to either stream.
    static func run(_ name: String, _ arguments: [String]) throws -> (status: Int32, output: String) {
        let end = try ToolProcess.run([path(name) ?? name] + arguments)
        return (end.status, end.text)
    }
}

/// A new directory that is removed when the value goes.
struct TemporaryDirectory: ~Copyable {
    let url: URL

    init() throws {
        url = FileManager.default.temporaryDirectory.appending(path: "coffer-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    }

    /// Writes a file and gives its path.
    borrowing func write(_ name: String, _ bytes: [UInt8]) throws -> String {
        let file = url.appending(path: name)
        try Data(bytes).write(to: file)
        return file.path()
    }

    deinit {
        try? FileManager.default.removeItem(at: url)
    }
}
