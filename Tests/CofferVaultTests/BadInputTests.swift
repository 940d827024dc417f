import CofferModel
import CofferPlatform
import CofferTesting
import Testing

@testable import CofferVault

/// Every operation of the data plane gets what no client should send. Whatever it is, the answer is below 500, a refusal has a code and a
/// sentence that does not repeat the input at length, and there is one audit event of the same status.
@Suite struct BadInputTests {
    static let routes = VaultFixture().services.handler.table.routes

    /// The names and values of all the operations' bodies, such as they should be.
    static let fields: [(name: String, value: JSONValue)] = [
        ("kty", "RSA"), ("key_size", 2048), ("public_exponent", 65_537), ("key_ops", ["sign"]), ("crv", .null), ("release_policy", .null),
        ("alg", "RS256"), ("digest", digest), ("value", digest), ("iv", .null), ("aad", .null), ("tag", .null), ("target", .null),
        ("key", ["kty": "RSA", "n": "AQAB", "e": "AQAB", "d": "AQAB", "p": "AQAB", "q": "AQAB", "dp": "AQAB", "dq": "AQAB", "qi": "AQAB"]),
        ("Hsm", false), ("attributes", ["enabled": true, "nbf": 1, "exp": 2_000_000_000]), ("tags", ["a": "b"]), ("contentType", "text/plain"),
        (
            "lifetimeActions", [["trigger": ["timeAfterCreate": "P90D"], "action": ["type": "Rotate"]]]
        ),
        ("count", 16), ("pwd", ""), ("csr", .null), ("x5c", []), ("cancellation_requested", false), ("provider", "Test"),
        ("credentials", ["account_id": "a", "pwd": "b"]), ("org_details", ["id": "x", "admin_details": []]), ("contacts", []),
        (
            "policy",
            [
                "key_props": ["kty": "RSA", "key_size": 2048, "exportable": true, "reuse_key": false], "issuer": ["name": "Self"],
                "secret_props": ["contentType": "application/x-pkcs12"], "x509_props": ["subject": "CN=a", "validity_months": 12],
            ]
        ),
    ]
    static let digest: JSONValue = "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE"

    static let wrongValues: [JSONValue] = [
        .null, true, -1, 0, .int(.max), .int(.min), .double(1.5), .double(1e300), "", "x", "\u{0}", "=\u{fffd}🔐", [], ["x"], [.null], [[[]]],
        [:], ["a": .null], ["a": ["b": ["c": []]]],
    ]

    static let badNames = [
        "%", "%41", "%00", ".", "..", "a.b", "a_b", " ", "é", "🔐", "\u{0}", "a\u{0}b", "a\nb", "'\"<>", "\u{202e}a", "a\\b", "a?b", "a#b", "*",
        String(repeating: "a", count: 128), String(repeating: "é", count: 10_000),
    ]

    static let badVersions = [
        "latest", String(repeating: "0", count: 31), String(repeating: "0", count: 33), String(repeating: "g", count: 32), "🔐", "\u{0}",
        "..", "%", String(repeating: "0", count: 10_000),
    ]

    static let brokenBodies: [String] = [
        "", "[]", "\"x\"", "5", "null", "true", "{}", "{", "}", "{\"kty\"}", "{'kty':'RSA'}", "{\"kty\":\"RSA\"", "{\"kty\":\"RSA\",}", "\u{0}",
        "\u{feff}{}", "{\"kty\":\"RSA\",\"kty\":5}", "{\"value\":\"\\ud800\"}", "{\"value\":\"\\u0000\"}", "{\"attributes\":{\"exp\":1e999}}",
        "{\"attributes\":{\"exp\":99999999999999999999999}}", "NaN", "{\"value\":NaN}", "<xml/>",
        String(repeating: "[", count: 100_000), String(repeating: "{\"a\":", count: 100_000) + "1" + String(repeating: "}", count: 100_000),
        "{\"tags\":" + String(repeating: "[", count: 400) + String(repeating: "]", count: 400) + "}",
    ]

    /// A vault with something of every kind in it.
    struct Target {
        let fixture = VaultFixture()
        let version: String

        init() async throws {
            try await fixture.makeVault()
            version = try await fixture.makeKey("name1").version ?? ""
            try await fixture.setSecret("name1")
        }

        /// Sends a request and holds its answer against what all answers must be.
        @discardableResult
        func send(
            _ method: APIRequest.Method, _ path: [String], _ body: [UInt8], apiVersion: String? = "7.6", query: [(String, String)] = [],
            as token: String = "admin", _ note: @autoclosure () -> String
        ) async throws -> Answer {
            let before = fixture.audit.events.count
            let request = APIRequest(
                method: method, host: "kv1.\(VaultFixture.suffix)", path: path, query: (apiVersion.map { [("api-version", $0)] } ?? []) + query,
                headers: ["authorization": "Bearer \(token)"], body: body, address: "127.0.0.1", requestID: "r", received: fixture.clock.now())
            let answer: Answer
            do {
                answer = try await Answer { try await fixture.services.handler.handle(request) }
            } catch {
                Issue.record("\(note()): \(error)")
                throw error
            }
            let place = "\(method.rawValue) \(path.map(\.shortened)) \(note())"
            #expect((200..<500).contains(answer.status), "\(place)")
            if answer.status >= 400 {
                #expect(answer.code?.isEmpty == false, "\(place)")
                #expect((10...2000).contains(answer.message.count), "\(place)")
            }
            let events = fixture.audit.events
            #expect(events.count == before + 1, "\(place)")
            #expect(events.last?.status == answer.status, "\(place)")
            #expect(events.last.map { ($0.resultDescription?.count ?? 0) + ($0.object?.count ?? 0) < 4000 } == true, "\(place)")
            return answer
        }

        func path(_ route: VaultRoute, name: String = "name1", version: String? = nil) -> [String] {
            route.pattern.map { segment in
                switch segment {
                case .literal(let word): word
                case .name: name
                case .version: version ?? self.version
                }
            }
        }

        /// A body that many operations take, with one field changed.
        static func body(_ name: String? = nil, _ value: JSONValue = .null) throws -> [UInt8] {
            var object = Dictionary(BadInputTests.fields.map { ($0.name, $0.value) }, uniquingKeysWith: { $1 })
            if let name { object[name] = value }
            return try JSON.encode(JSONValue.object(object))
        }
    }

    @Test func theTableHasTheOperations() {
        #expect(Self.routes.count >= 30)
        #expect(Set(Self.routes.map { "\($0.method.rawValue) \($0.path)" }).count == Self.routes.count, "none is there twice")
    }

    @Test(arguments: routes)
    func bodiesThatAreNotWhatIsAskedFor(route: VaultRoute) async throws {
        let target = try await Target()
        for body in Self.brokenBodies {
            try await target.send(route.method, target.path(route), Array(body.utf8), "body \(body.prefix(40))")
        }
        try await target.send(route.method, target.path(route), [0xff, 0xfe, 0x7b, 0x00], "body is not UTF-8")
        try await target.send(route.method, target.path(route), Array("{\"value\":\"".utf8) + [0xc0, 0x80] + Array("\"}".utf8), "bad UTF-8 inside")
    }

    @Test(arguments: routes.filter { [.put, .post, .patch].contains($0.method) })
    func fieldsOfWrongTypes(route: VaultRoute) async throws {
        let target = try await Target()
        let good = try await target.send(route.method, target.path(route), try Target.body(), "all fields")
        for (name, value) in Self.fields {
            // A field that the operation does not look at may hold anything.
            let probe = try await target.send(route.method, target.path(route), try Target.body(name, [[[]]]), "\(name) is probed")
            if (probe.status, probe.message) == (good.status, good.message) { continue }
            for wrong in Self.wrongValues {
                try await target.send(route.method, target.path(route), try Target.body(name, wrong), "\(name) is \(wrong)")
            }
            // And one level deeper, where there is one.
            for member in value.object?.keys.sorted() ?? [] {
                for wrong in [.null, -1, .double(1e300), "\u{0}", [[]], [:]] as [JSONValue] {
                    var inner = value.object ?? [:]
                    inner[member] = wrong
                    try await target.send(route.method, target.path(route), try Target.body(name, .object(inner)), "\(name).\(member) is \(wrong)")
                }
            }
        }
    }

    @Test(arguments: routes.filter { [.put, .post, .patch].contains($0.method) })
    func textsOfAMegabyte(route: VaultRoute) async throws {
        let target = try await Target()
        let long = String(repeating: "A", count: 1 << 20)
        let bodies: [(String, JSONValue)] = [
            ("value", .string(long)), ("alg", .string(long)), ("kty", .string(long)), ("digest", .string(long)), ("contentType", .string(long)),
            ("key_ops", [.string(long)]), ("tags", ["a": .string(long)]), ("tags", .object([long: "a"])),
        ]
        for (name, value) in bodies {
            try await target.send(route.method, target.path(route), try Target.body(name, value), "\(name) is long")
        }
    }

    @Test(arguments: routes.filter { $0.pattern.contains(.name) })
    func namesAndVersionsThatNothingHas(route: VaultRoute) async throws {
        let target = try await Target()
        let body = try Target.body()
        for name in Self.badNames {
            let answer = try await target.send(route.method, target.path(route, name: name), body, "name")
            #expect(answer.status == 400, "\(route.operation) \(name.shortened)")
            #expect(answer.code == "BadParameter")
        }
        guard route.pattern.contains(.version) else { return }
        for version in Self.badVersions {
            let answer = try await target.send(route.method, target.path(route, version: version), body, "version")
            #expect([400, 404].contains(answer.status), "\(route.operation) \(version.shortened)")
        }
    }

    @Test(arguments: routes)
    func versionsOfTheInterfaceThatThereAreNot(route: VaultRoute) async throws {
        let target = try await Target()
        for version in [nil, "", "0", "7", "6.0", "x", "7.4;", "7.4 ", "2025-99-99", "🔐", "\u{0}", String(repeating: "9", count: 10_000)] {
            let answer = try await target.send(route.method, target.path(route), [], apiVersion: version, "api-version \(version ?? "nil")")
            #expect(answer.status == 400)
            #expect(answer.code == "BadParameter")
        }
    }

    @Test(arguments: routes)
    func pagesAndMethodsThatMakeNoSense(route: VaultRoute) async throws {
        let target = try await Target()
        for name in ["maxresults", "$skiptoken", "outContentType", "includePending"] {
            for value in ["", "0", "-1", "x", "\u{0}", "🔐", "AAAA", "99999999999999999999", String(repeating: "A", count: 10_000)] {
                try await target.send(route.method, target.path(route), [], query: [(name, value)], "\(name)=\(value.shortened)")
            }
        }
        for method in [APIRequest.Method.get, .head, .put, .post, .patch, .delete] {
            try await target.send(method, target.path(route), Array("{}".utf8), "method")
            try await target.send(method, target.path(route) + ["", ""], Array("{}".utf8), "empty segments behind")
            try await target.send(method, target.path(route) + ["a", "b"], [], "segments behind")
            try await target.send(method, [""] + target.path(route), [], "an empty segment before")
        }
    }

    @Test(arguments: routes)
    func whoeverHasNoPermissionLearnsNothing(route: VaultRoute) async throws {
        let target = try await Target()
        for body in ["", "{}", "[]", "{"] {
            for name in ["name1", "none"] {
                let answer = try await target.send(
                    route.method, target.path(route, name: name), Array(body.utf8), as: "nobody", "as nobody")
                #expect(answer.status == 403, "\(route.operation)")
            }
        }
    }

    @Test func pathsThatThereAreNot() async throws {
        let target = try await Target()
        let paths: [[String]] = [
            [], [""], ["", "", ""], ["nothing"], ["keys", "a", "b", "c", "d"], ["keys", "", "x", "y"], ["deletedkeys", "a", "b", "c"], ["\u{0}"],
            ["..", "..", "etc", "passwd"], Array(repeating: "a", count: 10_000), ["keys", "name1", "", "fly"],
        ]
        for path in paths {
            for method in [APIRequest.Method.get, .put, .post, .patch, .delete] {
                let answer = try await target.send(method, path, [], "path")
                #expect([400, 404, 405].contains(answer.status), "\(path.prefix(5))")
            }
        }
    }

    /// Bodies that were good, with bytes changed, dropped and repeated.
    @Test(arguments: routes.filter { [.put, .post, .patch].contains($0.method) })
    func bodiesThatWereDamaged(route: VaultRoute) async throws {
        let target = try await Target()
        var random = SeededRandom(seed: 20_261_124)
        let good = try Target.body()
        for _ in 0..<50 {
            var body = good
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                let index = Int.random(in: 0..<body.count, using: &random)
                switch Int.random(in: 0..<3, using: &random) {
                case 0: body[index] = UInt8.random(in: 0...255, using: &random)
                case 1: body.remove(at: index)
                default: body.insert(body[index], at: index)
                }
            }
            try await target.send(route.method, target.path(route), body, "damaged \(String(decoding: body, as: UTF8.self))")
        }
    }
}

extension VaultRoute: CustomTestStringConvertible {
    package var testDescription: String { "\(method.rawValue) \(path)" }
}
