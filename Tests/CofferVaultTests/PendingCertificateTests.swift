import CofferCore
import CofferCrypto
import CofferModel
import CofferPlatform
import CofferTesting
import Testing

@testable import CofferVault

/// Certificates that wait to be signed, and the order and form in which certificates come and go.
@Suite struct PendingCertificateTests {
    let fixture = VaultFixture()
    let authority = PrivateKey.ec(try! ECKey.generate(on: .p256))

    static func policy(_ key: JSONValue = ["kty": "EC", "crv": "P-256"], issuer: String = "Unknown") -> JSONValue {
        ["key_props": key, "issuer": ["name": .string(issuer)], "x509_props": ["subject": "CN=app.example.com"]]
    }

    private func create(_ more: [String: JSONValue] = [:], issuer: String = "Unknown") async throws -> Answer {
        try await fixture.vault(
            .post, "certificates/web/create", .object(["policy": Self.policy(issuer: issuer)].merging(more) { $1 }), apiVersion: "7.6")
    }

    /// Signs the pending request as an authority would, and merges what comes of it.
    private func merge() async throws -> Answer {
        let key = try await fixture.vault(.get, "keys/web").json["key"]
        let x = try #require(key?["x"]?.string.flatMap { Base64URL.decode($0) })
        let y = try #require(key?["y"]?.string.flatMap { Base64URL.decode($0) })
        let (leaf, issuer) = try chain(for: .ec(ECKey(curve: .p256, x: x, y: y)))
        return try await fixture.vault(
            .post, "certificates/web/pending/merge", ["x5c": .array([issuer, leaf].map { .string(StandardBase64.encode($0.der)) })],
            apiVersion: "7.6")
    }

    /// A certificate of a public key, and another one. Nobody here looks at who signed it.
    private func chain(for key: PrivateKey) throws -> (leaf: Certificate, issuer: Certificate) {
        let now = fixture.clock.now()
        let profile = CertificateProfile(subject: try DistinguishedName("CN=app.example.com"), names: [], usage: [], purposes: [])
        let unsigned = try Certificate.unsigned(profile, key: key, from: now, to: now.adding(.seconds(86_400)))
        guard case .ec(let signer) = authority else { throw CryptoError.unsupported }
        let leaf = try Certificate(der: unsigned.signed(try signer.sign(digest: unsigned.digest, using: .es256)))
        let root = CertificateProfile(subject: try DistinguishedName("CN=root"), names: [], usage: [], purposes: [])
        return (leaf, try Certificate.selfSigned(root, key: authority, from: now, to: now.adding(.seconds(86_400))))
    }

    @Test func theFirstPendingCertificateHasADisabledKeyAndSecret() async throws {
        try await fixture.makeVault()
        #expect(try await create().status == 202)
        let secret = try await fixture.vault(.get, "secrets/web")
        #expect(secret.status == 403)
        #expect(secret.innerCode == "SecretDisabled")
        let key = try await fixture.vault(.get, "keys/web")
        #expect(key.status == 200)
        #expect(key.json["managed"] == true)
        #expect(key.json["attributes"]?["enabled"] == false)
        let sign: JSONValue = ["alg": "ES256", "value": .string(Base64URL.encode(SecureRandom.bytes(32)))]
        #expect(try await fixture.vault(.post, "keys/web//sign", sign).innerCode == "KeyDisabled")
        for path in ["keys/web", "secrets/web"] {
            #expect(try await fixture.vault(.patch, path, ["attributes": ["enabled": true]]).innerCode == "ObjectIsManaged")
            #expect(try await fixture.vault(.delete, path).innerCode == "ObjectIsManaged")
        }
        #expect(try await fixture.vault(.get, "certificates").items.isEmpty)
        let merged = try await merge()
        #expect(merged.status == 201, "\(merged.message)")
        #expect(try await fixture.vault(.get, "secrets/web").status == 200)
        #expect(try await fixture.vault(.post, "keys/web//sign", sign).status == 200)
        #expect(try await fixture.vault(.get, "keys/web/versions").items.count == 1)
        // The next one waits beside the current one, which stays as it is.
        #expect(try await create().status == 202)
        #expect(try await fixture.vault(.get, "secrets/web").status == 200)
        #expect(try await fixture.vault(.get, "keys/web/versions").items.count == 1)
    }

    @Test func theFirstPendingCertificateIsShownDisabled() async throws {
        try await fixture.makeVault()
        #expect(try await create(["preserveCertOrder": true]).status == 202)
        let key = try #require(try await fixture.vault(.get, "keys/web").json["key"]?["kid"]?.string)
        let version = try #require(key.split(separator: "/").last.map(String.init))
        for path in ["certificates/web", "certificates/web/\(version)"] {
            let shown = try await fixture.vault(.get, path, apiVersion: "7.6")
            #expect(shown.status == 200, "\(shown.message)")
            #expect(shown.json["kid"]?.string == key)
            #expect(shown.json["attributes"]?["enabled"] == false)
            #expect(shown.json["cer"] == nil && shown.json["x5t"] == nil)
            #expect(shown.json["pending"]?["id"]?.string?.hasSuffix("/certificates/web/pending") == true)
            #expect(shown.json["policy"]?["issuer"]?["name"] == "Unknown")
            #expect(shown.json["preserveCertOrder"] == true)
        }
        #expect(try await fixture.vault(.get, "certificates/web/\(String(repeating: "0", count: 32))").status == 404)
        _ = try await fixture.vault(.patch, "certificates/web/pending", ["cancellation_requested": true])
        #expect(try await fixture.vault(.get, "certificates/web").code == "CertificateNotFound")
    }

    @Test func pendingCertificatesAreListedWhereThatIsAsked() async throws {
        try await fixture.makeVault()
        for (name, issuer) in [("a", "Self"), ("b", "Unknown"), ("c", "Self"), ("d", "Unknown"), ("e", "Unknown")] {
            _ = try await fixture.vault(.post, "certificates/\(name)/create", ["policy": Self.policy(issuer: issuer)])
        }
        _ = try await fixture.vault(.patch, "certificates/e/pending", ["cancellation_requested": true])
        // A certificate that has come is there once, even while its next version is pending.
        _ = try await fixture.vault(.post, "certificates/c/create", ["policy": Self.policy(issuer: "Unknown")])
        #expect(try await names([]) == [["a", "c"]])
        #expect(try await names([("includePending", "false")]) == [["a", "c"]])
        #expect(try await names([("includePending", "true")]) == [["a", "b", "c", "d"]])
        for size in 1...4 {
            let pages = try await names([("includePending", "true"), ("maxresults", "\(size)")])
            #expect(pages.flatMap { $0 } == ["a", "b", "c", "d"], "\(size)")
            #expect(pages.allSatisfy { $0.count <= size })
        }
        let items = try await fixture.vault(.get, "certificates", query: [("includePending", "true")]).items
        #expect(items.map { $0["attributes"]?["enabled"] } == [true, false, true, false])
        #expect(items.map { $0["x5t"] == nil } == [false, true, false, true])
    }

    /// The names of a list's pages.
    private func names(_ query: [(String, String)]) async throws -> [[String]] {
        var pages: [[String]] = []
        var query = query
        while true {
            let page = try await fixture.vault(.get, "certificates", query: query)
            pages.append(page.items.compactMap { $0["id"]?.string?.split(separator: "/").last.map(String.init) })
            guard let link = page.json["nextLink"]?.string else { return pages }
            let parts = try #require(RequestTarget.query(of: String(link.split(separator: "?", maxSplits: 1)[1])))
            query = parts.filter { $0.name != "api-version" }.map { ($0.name, $0.value) }
        }
    }

    @Test func aFirstPendingCertificateThatIsGivenUpLeavesNothing() async throws {
        try await fixture.makeVault()
        _ = try await create()
        _ = try await fixture.vault(.patch, "certificates/web/pending", ["cancellation_requested": true])
        #expect(try await fixture.vault(.get, "secrets/web").innerCode == "SecretDisabled")
        // Another try takes the place of the first.
        #expect(try await create().status == 202)
        #expect(try await fixture.vault(.get, "keys/web/versions").items.count == 1)
        #expect(try await fixture.vault(.delete, "certificates/web/pending").status == 200)
        #expect(try await fixture.vault(.get, "secrets/web").code == "SecretNotFound")
        #expect(try await fixture.vault(.get, "keys/web").code == "KeyNotFound")
        for collection in ["key-versions", "secret-versions", "certificate-policies", "certificate-operations"] {
            let rest = try await fixture.store.read { try $0.documents(in: collection, prefix: "", after: nil, limit: 10).count }
            #expect(rest == 0, "\(collection)")
        }
        #expect(try await fixture.vault(.put, "secrets/web", ["value": "x"]).status == 200)
    }

    @Test(arguments: [false, true])
    func mergedCertificatesKeepTheirOrderWhereThatIsAsked(isPreserved: Bool) async throws {
        try await fixture.makeVault()
        _ = try await create(isPreserved ? ["preserveCertOrder": true] : [:])
        let merged = try await merge()
        #expect(merged.json["preserveCertOrder"] == .bool(isPreserved))
        #expect(try await fixture.vault(.get, "certificates/web", apiVersion: "7.4").json["preserveCertOrder"] == nil)
        let names = try await subjects()
        #expect(names == (isPreserved ? ["CN=root", "CN=app.example.com"] : ["CN=app.example.com", "CN=root"]))
    }

    /// The subjects of the secret's certificates, read from its conversion to PEM.
    private func subjects() async throws -> [String] {
        let answer = try await fixture.vault(
            .get, "secrets/web", apiVersion: "2025-07-01", query: [("outContentType", "application/x-pem-file")])
        #expect(answer.status == 200, "\(answer.message)")
        #expect(answer.json["contentType"]?.string == "application/x-pem-file")
        let text = try #require(answer.json["value"]?.string)
        #expect(text.contains("-----BEGIN PRIVATE KEY-----"))
        return try text.split(separator: "-----BEGIN CERTIFICATE-----").dropFirst().map { block in
            try Certificate(pem: "-----BEGIN CERTIFICATE-----" + block).subject.text
        }
    }

    @Test func onlyAPFXIsConvertedAndOnlyToPEM() async throws {
        try await fixture.makeVault()
        _ = try await create(issuer: "Self")
        try await fixture.setSecret("plain")
        func get(_ name: String, _ form: String, _ version: String = "2025-07-01") async throws -> Answer {
            try await fixture.vault(.get, "secrets/\(name)", apiVersion: version, query: [("outContentType", form)])
        }
        #expect(try await get("web", "application/x-pkcs12").json["contentType"]?.string == "application/x-pkcs12")
        #expect(try await get("web", "text/plain").code == "BadParameter")
        #expect(try await get("plain", "application/x-pem-file").code == "BadParameter")
        // Versions before it know no such parameter.
        #expect(try await get("web", "application/x-pem-file", "7.4").json["contentType"]?.string == "application/x-pkcs12")
        let pem: JSONValue = ["policy": ["secret_props": ["contentType": "application/x-pem-file"], "issuer": ["name": "Self"], "x509_props": ["subject": "CN=p"]]]
        _ = try await fixture.vault(.post, "certificates/pem/create", pem)
        #expect(try await get("pem", "application/x-pem-file").status == 200)
        #expect(try await get("pem", "application/x-pkcs12").code == "BadParameter")
    }

    @Test func importedCertificatesKeepTheirOrderWhereThatIsAsked() async throws {
        try await fixture.makeVault()
        let key = PrivateKey.ec(try ECKey.generate(on: .p256))
        let (leaf, issuer) = try chain(for: key)
        let file = try CertificateExport.pem([issuer, leaf], key: key).withBytes { bytes in unsafe bytes.withUnsafeBytes { unsafe Array($0) } }
        let body: JSONValue = ["value": .string(String(decoding: file, as: UTF8.self)), "preserveCertOrder": true]
        let taken = try await fixture.vault(.post, "certificates/web/import", body, apiVersion: "7.6")
        #expect(taken.json["preserveCertOrder"] == true, "\(taken.message)")
        let value = try #require(try await fixture.vault(.get, "secrets/web").json["value"]?.string)
        #expect(value == String(decoding: file, as: UTF8.self))
    }

    @Test func operationsOfEarlierVersionsAreRead() throws {
        let stored = #"{"isEnabled":true,"name":"web","request":"AQID","requestID":"r","sealedKey":"AQID","status":"inProgress","tags":{},"version":"0"}"#
        let operation = try JSON.decode(CertificateOperation.self, from: Array(stored.utf8))
        #expect(operation.sealedKey == "AQID")
        #expect(operation.tokenKey == nil && operation.isKeyReused == nil && operation.preservesOrder == nil)
    }
}
