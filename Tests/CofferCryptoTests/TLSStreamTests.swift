import CofferCore
import CofferCrypto
import Foundation
import Synchronization
import Testing

@Suite struct TLSStreamTests {
    private static let now = Timestamp(seconds: Int64(Date().timeIntervalSince1970))

    /// Both ends of a connection, each a context of one authority unless told otherwise.
    private struct Parties {
        var server: TLSContext
        var client: TLSContext

        init() throws {
            let authority = try CertificateAuthority.create(commonName: "root", now: TLSStreamTests.now)
            try self.init(servers: authority, clients: authority)
        }

        init(servers: borrowing CertificateAuthority, clients: borrowing CertificateAuthority, believed: String? = nil) throws {
            let own = try servers.issue(for: [.dns("localhost")], now: TLSStreamTests.now)
            let other = try clients.issueClient("disk", until: TLSStreamTests.now.adding(.seconds(60)), now: TLSStreamTests.now)
            server = try TLSContext(
                .server, chain: own.certificate.pem, privateKey: own.privateKey, authorities: believed ?? clients.certificate.pem)
            client = try TLSContext(
                .client, chain: other.certificate.pem, privateKey: other.privateKey, authorities: servers.certificate.pem)
        }
    }

    /// What the server does on one thread and the client on another; the errors are theirs.
    private func connect(
        _ parties: Parties, host: String = "localhost", timeout: Int = 10_000, server: @escaping @Sendable (TLSStream) -> Void = { _ in },
        client: (TLSStream) -> Void = { _ in }
    ) throws -> (server: CryptoError?, client: CryptoError?) {
        _ = signal(SIGPIPE, SIG_IGN)
        var sockets: [Int32] = [0, 0]
        try #require(unsafe socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &sockets) == 0)
        let (near, far) = (sockets[0], sockets[1])
        let failure = Mutex<CryptoError?>(nil)
        let ended = DispatchSemaphore(value: 0)
        let context = parties.server
        Thread {
            do throws(CryptoError) {
                let stream = try TLSStream(context, .server, socket: far, timeout: timeout)
                server(stream)
                stream.end()
            } catch {
                failure.withLock { $0 = error }
            }
            close(far)
            ended.signal()
        }.start()
        var own: CryptoError?
        do throws(CryptoError) {
            let stream = try TLSStream(parties.client, .client, socket: near, host: host, timeout: timeout)
            client(stream)
        } catch {
            own = error
        }
        close(near)
        ended.wait()
        return (failure.withLock { $0 }, own)
    }

    @Test func bothSidesKnowEachOtherAndExchangeBytes() throws {
        let bytes = (0..<300_000).map { UInt8(truncatingIfNeeded: $0 &* 7) }
        let came = Mutex<[UInt8]>([])
        let name = Mutex<String?>(nil)
        let result = try connect(Parties(), server: { stream in
            name.withLock { $0 = stream.peer.subject.commonName }
            var buffer = [UInt8](repeating: 0, count: 100_000)
            while true {
                let count = unsafe buffer.withUnsafeMutableBytes { unsafe stream.receive(into: $0) }
                guard count > 0 else { return }
                came.withLock { $0 += buffer[..<count] }
            }
        }, client: { stream in
            #expect(unsafe bytes.withUnsafeBytes { unsafe stream.send($0) })
            stream.end()
        })
        #expect(result == (nil, nil))
        #expect(came.withLock { $0 } == bytes)
        #expect(name.withLock { $0 } == "disk")
    }

    @Test func aClientOfAnotherAuthorityIsRefused() throws {
        let ours = try CertificateAuthority.create(commonName: "ours", now: Self.now)
        let theirs = try CertificateAuthority.create(commonName: "theirs", now: Self.now)
        let result = try connect(Parties(servers: ours, clients: theirs, believed: ours.certificate.pem))
        #expect(result.server != nil)
    }

    @Test func aServerOfAnotherNameIsRefused() throws {
        #expect(try connect(Parties(), host: "elsewhere").client != nil)
    }

    @Test func aServersCertificateIsNoClients() throws {
        let authority = try CertificateAuthority.create(commonName: "root", now: Self.now)
        var parties = try Parties(servers: authority, clients: authority)
        let own = try authority.issue(for: [.dns("disk")], now: Self.now)
        parties.client = try TLSContext(
            .client, chain: own.certificate.pem, privateKey: own.privateKey, authorities: authority.certificate.pem)
        #expect(try connect(parties).server != nil)
    }

    @Test func whoeverSaysNothingIsGivenUp() throws {
        let parties = try Parties()
        var sockets: [Int32] = [0, 0]
        try #require(unsafe socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &sockets) == 0)
        defer { for socket in sockets { close(socket) } }
        #expect(throws: CryptoError.self) { try TLSStream(parties.server, .server, socket: sockets[0], timeout: 50) }
    }

    @Test func anotherKeyThanTheCertificatesIsRefused() throws {
        let authority = try CertificateAuthority.create(commonName: "root", now: Self.now)
        let one = try authority.issue(for: [.dns("a")], now: Self.now)
        let two = try authority.issue(for: [.dns("b")], now: Self.now)
        #expect(throws: CryptoError.invalidKey) {
            try TLSContext(.server, chain: one.certificate.pem, privateKey: two.privateKey, authorities: authority.certificate.pem)
        }
        #expect(throws: CryptoError.invalidKey) {
            try TLSContext(.server, chain: "nothing", privateKey: one.privateKey, authorities: authority.certificate.pem)
        }
    }
}
