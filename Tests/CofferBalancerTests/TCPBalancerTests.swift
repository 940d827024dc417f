import CofferCore
import CofferModel
import CofferPlatform
import CofferTesting
import Foundation
import Glibc
import Synchronization
import Testing

@testable import CofferBalancer

/// A server in this process that says its name and what it hears.
private final class Echo: Sendable {
    let name: String
    let port: UInt16
    private let descriptor: Int32

    init(_ name: String, address: String = "127.0.0.1") throws {
        self.name = name
        let descriptor = try #require(loopbackSocket())
        self.descriptor = descriptor
        port = try #require(bound(descriptor, address, 0))
        #expect(listen(descriptor, 16) == 0)
        let mark = Array("\(name):".utf8)
        Thread.detachNewThread {
            while true {
                let connection = accept(descriptor, nil, nil)
                guard connection >= 0 else {
                    close(descriptor)
                    return
                }
                Thread.detachNewThread {
                    defer { close(connection) }
                    _ = unsafe mark.withUnsafeBytes { unsafe send(connection, $0.baseAddress, $0.count, 0) }
                    var bytes = [UInt8](repeating: 0, count: 65_536)
                    while true {
                        let got = unsafe recv(connection, &bytes, bytes.count, 0)
                        guard got > 0 else { return }
                        var done = 0
                        while done < got {
                            let put = unsafe bytes.withUnsafeBytes { unsafe send(connection, $0.baseAddress?.advanced(by: done), got - done, Int32(MSG_NOSIGNAL)) }
                            guard put > 0 else { return }
                            done += put
                        }
                    }
                }
            }
        }
    }

    /// Ends the thread that accepts, which closes the socket: after a close its number is another's.
    func stop() {
        shutdown(descriptor, Int32(SHUT_RDWR))
    }

    var target: ServedPort.Target { .init(name: name, endpoint: HostEndpoint(address: "127.0.0.1", port: port)) }
}

private func loopbackSocket() -> Int32? {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    return descriptor >= 0 ? descriptor : nil
}

private func name(_ address: String, _ port: UInt16) -> sockaddr_in {
    var name = sockaddr_in()
    name.sin_family = sa_family_t(AF_INET)
    name.sin_port = port.bigEndian
    _ = unsafe inet_pton(AF_INET, address, &name.sin_addr)
    return name
}

/// Binds a socket and returns its port.
private func bound(_ descriptor: Int32, _ address: String, _ port: UInt16) -> UInt16? {
    var place = name(address, port)
    var size = socklen_t(MemoryLayout<sockaddr_in>.size)
    let status = unsafe withUnsafeMutablePointer(to: &place) { place in
        unsafe place.withMemoryRebound(to: sockaddr.self, capacity: 1) { place in
            unsafe bind(descriptor, place, size) == 0 ? getsockname(descriptor, place, &size) : -1
        }
    }
    return status == 0 ? UInt16(bigEndian: place.sin_port) : nil
}

/// A port that nobody listens at just now.
private func freePort(_ address: String) -> UInt16? {
    guard let descriptor = loopbackSocket() else { return nil }
    defer { close(descriptor) }
    return bound(descriptor, address, 0)
}

/// What comes back on one connection for `bytes`, after which this side says that it sends no more; nil if it is refused or reset.
private func ask(_ address: String, _ port: UInt16, _ bytes: [UInt8] = [], from source: String? = nil) -> String? {
    guard let descriptor = loopbackSocket() else { return nil }
    defer { close(descriptor) }
    if let source { _ = bound(descriptor, source, 0) }
    var place = name(address, port)
    let status = unsafe withUnsafePointer(to: &place) { place in
        unsafe place.withMemoryRebound(to: sockaddr.self, capacity: 1) { unsafe connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) }
    }
    guard status == 0 else { return nil }
    let isSent = DispatchSemaphore(value: 0)
    defer {
        shutdown(descriptor, Int32(SHUT_RDWR))
        isSent.wait()
    }
    Thread.detachNewThread {
        defer { isSent.signal() }
        var done = 0
        while done < bytes.count {
            let put = unsafe bytes.withUnsafeBytes { unsafe send(descriptor, $0.baseAddress?.advanced(by: done), $0.count - done, Int32(MSG_NOSIGNAL)) }
            guard put > 0 else { return }
            done += put
        }
        shutdown(descriptor, Int32(SHUT_WR))
    }
    var heard: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 65_536)
    while true {
        let got = unsafe recv(descriptor, &piece, piece.count, 0)
        guard got >= 0 else { return nil }
        guard got > 0 else { return String(decoding: heard, as: UTF8.self) }
        heard += piece[..<got]
    }
}

@Suite("Ports of load balancers", .serialized)
struct TCPBalancerTests {
    private static let canMakeNetworks: Bool = {
        let name = "coffer-trial-\(UUID().uuidString.prefix(8))"
        let trial = try? ToolProcess.run(["ip", "netns", "add", name])
        _ = try? ToolProcess.run(["ip", "netns", "delete", name])
        return trial?.status == 0
    }()

    private let balancer = TCPBalancer()
    private let address = "127.43.\(UInt8.random(in: 1...250)).\(UInt8.random(in: 1...250))"

    private func port(_ number: UInt16, _ targets: [ServedPort.Target], keepsClients: Bool = false, idle: Duration = .seconds(60), resets: Bool = false) -> ServedPort {
        ServedPort(
            address: address, port: number, targets: targets,
            manner: BalancingManner(keepsClients: keepsClients, idleLimit: idle, resetsIdle: resets))
    }

    @Test("Connections are spread over the targets, and go on to the rest when one is taken out")
    func spread() async throws {
        let servers = try [Echo("a"), Echo("b"), Echo("c")]
        defer { for server in servers { server.stop() } }
        let number = try #require(freePort(address))
        #expect(await balancer.serve([port(number, servers.map(\.target))]) == [])
        let first = (0..<90).map { _ in ask(address, number, Array("x".utf8)) ?? "nothing" }
        let counts = Dictionary(first.map { ($0, 1) }, uniquingKeysWith: +)
        #expect(Set(counts.keys) == ["a:x", "b:x", "c:x"] && counts.values.allSatisfy { $0 > 9 }, "\(counts)")
        _ = await balancer.serve([port(number, [servers[1].target])])
        #expect(Set((0..<20).map { _ in ask(address, number) }) == ["b:"])
        _ = await balancer.serve([])
        #expect(ask(address, number) == nil)
    }

    @Test("A client is kept at one target, whatever its port")
    func kept() async throws {
        let servers = try [Echo("a"), Echo("b"), Echo("c")]
        defer { for server in servers { server.stop() } }
        let number = try #require(freePort(address))
        _ = await balancer.serve([port(number, servers.map(\.target), keepsClients: true)])
        var seen: Set<String> = []
        for client in 1...20 {
            let answers = Set((0..<5).map { _ in ask(address, number, from: "127.9.8.\(client)") ?? "nothing" })
            #expect(answers.count == 1)
            seen.formUnion(answers)
        }
        #expect(seen.count == 3)
        _ = await balancer.serve([])
    }

    @Test("Much data goes through whole, also after one side has said that it sends no more")
    func bulk() async throws {
        let server = try Echo("a")
        defer { server.stop() }
        let number = try #require(freePort(address))
        _ = await balancer.serve([port(number, [server.target])])
        let bytes = (0..<3_000_000).map { UInt8(ascii: "a") + UInt8($0 % 23) }
        let answer = ask(address, number, bytes)
        #expect(answer?.utf8.elementsEqual(Array("a:".utf8) + bytes) == true)
        _ = await balancer.serve([])
    }

    @Test("Without a target, and with one that is gone, connections are reset; a port that another has is told")
    func failures() async throws {
        let number = try #require(freePort(address))
        // Bound, so that nobody else listens there, and not listening.
        let deaf = try #require(loopbackSocket())
        defer { close(deaf) }
        let gone = ServedPort.Target(name: "gone", endpoint: HostEndpoint(address: "127.0.0.1", port: try #require(bound(deaf, "127.0.0.1", 0))))
        let second = try Echo("other", address: address)
        defer { second.stop() }
        let remarks = await balancer.serve([port(number, []), port(second.port, [gone])])
        #expect(remarks.count == 1 && remarks[0].contains("\(address):\(second.port)/tcp cannot be opened"))
        #expect(ask(address, number) == nil)
        _ = await balancer.serve([port(number, [gone])])
        #expect(ask(address, number) == nil)
        _ = await balancer.serve([])
    }

    @Test("A target can be in another network of this host", .enabled(if: canMakeNetworks, "needs a root that may make network namespaces"))
    func namespaces() async throws {
        let network = NetworkNamespace("coffer-test-\(UUID().uuidString.prefix(8))")
        try #require(try ToolProcess.run(["ip", "netns", "add", network.name]).status == 0)
        defer { _ = try? ToolProcess.run(["ip", "netns", "delete", network.name]) }
        try #require(try ToolProcess.run(["ip", "-n", network.name, "link", "set", "lo", "up"]).status == 0)
        let server = try network.within { try Echo("inside") }
        defer { server.stop() }
        let number = try #require(freePort(address))
        let inside = ServedPort.Target(name: "inside", endpoint: HostEndpoint(address: "127.0.0.1", port: server.port, in: network))
        _ = await balancer.serve([port(number, [inside])])
        for _ in 0..<20 { #expect(ask(address, number, Array("x".utf8)) == "inside:x") }
        _ = await balancer.serve([port(number, [ServedPort.Target(name: "none", endpoint: HostEndpoint(address: "127.0.0.1", port: 1, in: network))])])
        #expect(ask(address, number) == nil)
        _ = await balancer.serve([port(number, [.init(name: "gone", endpoint: HostEndpoint(address: "127.0.0.1", port: 1, in: NetworkNamespace("none")))])])
        #expect(ask(address, number) == nil)
        _ = await balancer.serve([])
    }

    @Test("A connection without traffic is closed when its time is over", arguments: [false, true])
    func idle(resets: Bool) async throws {
        let server = try Echo("a")
        defer { server.stop() }
        let number = try #require(freePort(address))
        _ = await balancer.serve([port(number, [server.target], idle: .seconds(1), resets: resets)])
        let descriptor = try #require(loopbackSocket())
        defer { close(descriptor) }
        var place = name(address, number)
        let status = unsafe withUnsafePointer(to: &place) { place in
            unsafe place.withMemoryRebound(to: sockaddr.self, capacity: 1) { unsafe connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) }
        }
        #expect(status == 0)
        var bytes = [UInt8](repeating: 0, count: 16)
        #expect(unsafe recv(descriptor, &bytes, bytes.count, 0) == 2)
        let end = unsafe recv(descriptor, &bytes, bytes.count, 0)
        #expect(resets ? end < 0 && errno == ECONNRESET : end == 0)
        _ = await balancer.serve([])
    }
}
