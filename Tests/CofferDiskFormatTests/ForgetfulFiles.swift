@testable import CofferDiskFormat
import Glibc
import Synchronization

/// A file system in memory that loses what was never synced, as a power cut does: of the changes to a file or directory since its
/// last sync some take place and some do not, in any combination, and writes may be cut short, doubled or turn out as zeros.
final class ForgetfulFiles: FileLayer {
    /// What the next changes are to meet.
    enum Plan: Equatable, Sendable {
        case smooth
        /// The power goes before the step of this number, counted from 0; all later steps fail.
        case powerCut(step: Int)
        /// The step of this number fails with this `errno`, and later ones do not.
        case failure(step: Int, code: Int32)
    }

    private struct Node {
        var isDirectory: Bool
        var bytes: [UInt8] = []
        var entries: [String: Int] = [:]
        var durableBytes: [UInt8] = []
        var durableEntries: [String: Int] = [:]
        var pendingWrites: [[UInt8]] = []
        /// Changes of size keep the bytes that are there.
        var pendingSizes: [Int] = []
        var pendingChanges: [[(name: String, node: Int?)]] = []
    }

    private struct State {
        var nodes: [Node]
        var plan = Plan.smooth
        var stepCount = 0
    }

    private let state: Mutex<State>

    init() {
        state = Mutex(State(nodes: [Node(isDirectory: true)]))
    }

    private init(nodes: [Node]) {
        state = Mutex(State(nodes: nodes))
    }

    /// Steps since ``plan(_:)``.
    var stepCount: Int { state.withLock { $0.stepCount } }

    func plan(_ plan: Plan) {
        state.withLock {
            $0.plan = plan
            $0.stepCount = 0
        }
    }

    /// What is there after the power comes back.
    func afterPowerCut(_ random: inout some RandomNumberGenerator) -> ForgetfulFiles {
        var nodes = state.withLock { $0.nodes }
        for index in nodes.indices {
            var node = nodes[index]
            for write in node.pendingWrites where Bool.random(using: &random) { node.durableBytes = Self.spoil(write, &random) }
            for size in node.pendingSizes where Bool.random(using: &random) { node.durableBytes = Self.resize(node.durableBytes, to: size) }
            for change in node.pendingChanges where Bool.random(using: &random) {
                for (name, target) in change { node.durableEntries[name] = target }
            }
            node.bytes = node.durableBytes
            node.entries = node.durableEntries
            node.pendingWrites = []
            node.pendingSizes = []
            node.pendingChanges = []
            nodes[index] = node
        }
        return ForgetfulFiles(nodes: nodes)
    }

    private static func resize(_ bytes: [UInt8], to count: Int) -> [UInt8] {
        Array(bytes.prefix(count)) + [UInt8](repeating: 0, count: max(0, count - bytes.count))
    }

    private static func spoil(_ bytes: [UInt8], _ random: inout some RandomNumberGenerator) -> [UInt8] {
        switch Int.random(in: 0..<5, using: &random) {
        case 0: Array(bytes.prefix(Int.random(in: 0...bytes.count, using: &random)))
        case 1: bytes + bytes
        case 2: [UInt8](repeating: 0, count: bytes.count)
        default: bytes
        }
    }

    func perform(_ step: FileStep) throws(FileError) {
        try state.withLock { (state) throws(FileError) in
            defer { state.stepCount += 1 }
            switch state.plan {
            case .powerCut(let number) where state.stepCount >= number: throw Self.failure(EIO, "the power is off")
            case .failure(let number, let code) where state.stepCount == number: throw Self.failure(code, "planned")
            case .smooth, .powerCut, .failure: break
            }
            try Self.perform(step, &state.nodes)
        }
    }

    private static func perform(_ step: FileStep, _ nodes: inout [Node]) throws(FileError) {
        switch step {
        case .makeDirectory(let path): try add(path, Node(isDirectory: true), &nodes)
        case .createFile(let path): try add(path, Node(isDirectory: false), &nodes)
        case .write(let path, let bytes): try write(path, &nodes) { _ in bytes }
        case .setByteCount(let path, let count):
            let node = try find(path, nodes)
            nodes[node].bytes = resize(nodes[node].bytes, to: Int(count))
            nodes[node].pendingSizes.append(Int(count))
        case .syncFile(let path):
            let node = try find(path, nodes)
            nodes[node].durableBytes = nodes[node].bytes
            nodes[node].pendingWrites = []
            nodes[node].pendingSizes = []
        case .syncDirectory(let path):
            let node = try find(path, nodes)
            nodes[node].durableEntries = nodes[node].entries
            nodes[node].pendingChanges = []
        case .rename(let from, let to): try move(from, to, &nodes)
        case .renameNew(let from, let to):
            guard (try? find(to, nodes)) == nil else { throw failure(EEXIST, to) }
            try move(from, to, &nodes)
        case .exchange(let first, let second):
            let (one, two) = (try find(first, nodes), try find(second, nodes))
            try change(first, &nodes) { [($0, two), (split(second).name, one)] }
        case .removeFile(let path):
            guard !nodes[try find(path, nodes)].isDirectory else { throw failure(EISDIR, path) }
            try change(path, &nodes) { [($0, nil)] }
        case .removeDirectory(let path):
            let node = nodes[try find(path, nodes)]
            guard node.isDirectory, node.entries.isEmpty else { throw failure(ENOTEMPTY, path) }
            try change(path, &nodes) { [($0, nil)] }
        }
    }

    private static func add(_ path: String, _ node: Node, _ nodes: inout [Node]) throws(FileError) {
        guard (try? find(path, nodes)) == nil else { throw failure(EEXIST, path) }
        nodes.append(node)
        let number = nodes.count - 1
        try change(path, &nodes) { [($0, number)] }
    }

    private static func write(_ path: String, _ nodes: inout [Node], _ body: ([UInt8]) -> [UInt8]) throws(FileError) {
        let node = try find(path, nodes)
        nodes[node].bytes = body(nodes[node].bytes)
        nodes[node].pendingWrites.append(nodes[node].bytes)
    }

    private static func move(_ from: String, _ to: String, _ nodes: inout [Node]) throws(FileError) {
        let node = try find(from, nodes)
        try change(to, &nodes) { [(split(from).name, nil), ($0, node)] }
    }

    /// Changes entries of the directory of `path`, all or none of them.
    private static func change(
        _ path: String, _ nodes: inout [Node], _ changes: (String) -> [(name: String, node: Int?)]
    ) throws(FileError) {
        let (directory, name) = split(path)
        let parent = try find(directory, nodes)
        let list = changes(name)
        for (name, node) in list { nodes[parent].entries[name] = node }
        nodes[parent].pendingChanges.append(list)
    }

    func read(_ path: String, limit: Int) throws(FileError) -> [UInt8] {
        try state.withLock { (state) throws(FileError) in
            let bytes = state.nodes[try Self.find(path, state.nodes)].bytes
            guard bytes.count <= limit else { throw Self.failure(EFBIG, path) }
            return bytes
        }
    }

    func names(in directory: String) throws(FileError) -> [String] {
        try state.withLock { (state) throws(FileError) in Array(state.nodes[try Self.find(directory, state.nodes)].entries.keys) }
    }

    func byteCount(of path: String) -> UInt64? {
        state.withLock { state in (try? Self.find(path, state.nodes)).map { UInt64(state.nodes[$0].bytes.count) } }
    }

    private static func find(_ path: String, _ nodes: [Node]) throws(FileError) -> Int {
        var node = 0
        for name in path.split(separator: "/") {
            guard let next = nodes[node].entries[String(name)] else { throw failure(ENOENT, path) }
            node = next
        }
        return node
    }

    private static func split(_ path: String) -> (directory: String, name: String) {
        guard let slash = path.lastIndex(of: "/") else { return ("", path) }
        return (String(path[..<slash]), String(path[path.index(after: slash)...]))
    }

    private static func failure(_ code: Int32, _ path: String) -> FileError {
        FileError(code: code, path: path, words: "simulated")
    }
}
