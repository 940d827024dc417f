import CofferCore
import CofferModel
import CofferPlatform
import CofferTesting
import Synchronization
import Testing

@testable import CofferCompute

@Suite("Certificates for disks over TLS")
struct DiskCertificatesTests {
    /// An authority that numbers what it issues, and remembers what it was told to refuse.
    final class AuthorityDouble: DiskCertificates {
        private let state = Mutex((count: UInt8(0), refused: [String](), failure: DiskFailure?.none))
        private let clock: ManualClock

        init(_ clock: ManualClock) { self.clock = clock }

        var address: SocketAddress? { SocketAddress(host: "127.0.0.1", port: 10809) }
        var refused: [String] { state.withLock { $0.refused } }

        func fail(with failure: DiskFailure?) { state.withLock { $0.failure = failure } }

        func issue(for name: String) async throws -> DiskCertificate? {
            let number = state.withLock { state in
                state.count += 1
                return state.count
            }
            var key = Array("key".utf8)
            return DiskCertificate(
                named: name, certificate: "PEM \(name)", fingerprint: Hex.encode([UInt8](repeating: number, count: 32)),
                expires: clock.now().adding(.seconds(30 * 86_400)), privateKey: SecretBytes(wiping: &key), authority: "PEM")
        }

        func refuse(_ revoked: [String]) async throws {
            try state.withLock { state in
                if let failure = state.failure { throw failure }
                state.refused = revoked
            }
        }
    }

    private static let recipient = Base64URL.encode([UInt8](repeating: 9, count: 32))

    private func call(
        _ world: World, _ services: ComputeServices, _ method: APIRequest.Method, _ word: String, _ body: JSONValue? = nil
    ) async throws -> JSONValue {
        let answer = try await services.diskOperations.handle(world.request(
            method, path: ["coffer", "v1", "subscriptions", World.subscription, word], body: try body.map { try JSON.encode($0) } ?? [], token: "operator"))
        return try JSON.decode(JSONValue.self, from: answer.body)
    }

    private func fingerprint(_ number: UInt8) -> String { Hex.encode([UInt8](repeating: number, count: 32)) }

    @Test("What was issued is listed until it ends, and what was taken back is refused from then on, also by the next process")
    func life() async throws {
        let world = World()
        let authority = AuthorityDouble(world.clock)
        let services = world.start(certificates: authority)
        try await world.makeDisk(services, set: nil)
        let disk = try await world.call(services, "certificate", body: ["recipientKey": .string(Self.recipient)])
        #expect(disk["name"]?.string == (try await world.record())?.disk.text && disk["fingerprint"]?.string == fingerprint(1))
        let host = try await call(world, services, .post, "hostCertificate", ["recipientKey": .string(Self.recipient), "host": "h1.example"])
        #expect(host["name"] == "host/h1.example")
        world.clock.advance(by: .seconds(60))
        let colons = fingerprint(1).uppercased().enumerated().map { $0.offset > 0 && $0.offset % 2 == 0 ? ":\($0.element)" : "\($0.element)" }.joined()
        let taken = try await call(world, services, .post, "revokeCertificate", ["fingerprint": .string(colons)])
        #expect(taken["fingerprint"]?.string == fingerprint(1) && authority.refused == [fingerprint(1)])
        // Again, and one that another authority issued.
        #expect(try await call(world, services, .post, "revokeCertificate", ["fingerprint": .string(colons)]) == taken)
        _ = try await call(world, services, .post, "revokeCertificate", ["fingerprint": .string(fingerprint(200))])
        #expect(authority.refused == [fingerprint(1), fingerprint(200)])
        let next = world.start(certificates: authority)
        #expect(try await next.revokedCertificates() == [fingerprint(1), fingerprint(200)])
        let listed = try await call(world, next, .get, "diskCertificates")["value"]?.array ?? []
        #expect(Set(listed.compactMap { $0["fingerprint"]?.string }) == [fingerprint(1), fingerprint(2), fingerprint(200)])
        #expect(listed.filter { $0["revoked"]?.string != nil }.count == 2)
        world.clock.advance(by: .seconds(31 * 86_400))
        // What has ended is refused by its date; nobody knows when others' end.
        #expect(try await next.revokedCertificates() == [fingerprint(200)])
        _ = try await world.call(next, "certificate", body: ["recipientKey": .string(Self.recipient)])
        let kept = try await world.store.read { try $0.values(DiskCertificateRecord.self, in: DiskCertificateRecord.collection) }
        #expect(Set(kept.map(\.fingerprint)) == [fingerprint(3), fingerprint(200)])
    }

    @Test("A revocation whose disk host is away says so, and holds")
    func awayHost() async throws {
        let world = World()
        let authority = AuthorityDouble(world.clock)
        let services = world.start(certificates: authority)
        authority.fail(with: DiskFailure(.system, "away"))
        let refused = await refusal { _ = try await call(world, services, .post, "revokeCertificate", ["fingerprint": .string(fingerprint(7))]) }
        #expect(refused?.status == 503)
        #expect(try await services.revokedCertificates() == [fingerprint(7)])
    }

    @Test("Names and fingerprints that are none are refused, and so is everything where no disks are served over TLS")
    func refusals() async throws {
        let world = World()
        let services = world.start(certificates: AuthorityDouble(world.clock))
        for name in ["", "a/b", "*", String(repeating: "a", count: 60)] {
            let body: JSONValue = ["recipientKey": .string(Self.recipient), "host": .string(name)]
            #expect(await refusal { _ = try await call(world, services, .post, "hostCertificate", body) }?.short == "400 InvalidParameter")
        }
        for text in ["", "zz", String(fingerprint(1).dropLast(2))] {
            #expect(await refusal { _ = try await call(world, services, .post, "revokeCertificate", ["fingerprint": .string(text)]) }?.short == "400 InvalidParameter")
        }
        #expect(await refusal { _ = try await call(world, services, .get, "revokeCertificate") }?.status == 405)
        let without = world.start()
        #expect(await refusal { _ = try await call(world, without, .post, "revokeCertificate", ["fingerprint": .string(fingerprint(1))]) }?.status == 409)
        #expect(try await call(world, without, .get, "diskCertificates")["value"] == [])
    }
}
