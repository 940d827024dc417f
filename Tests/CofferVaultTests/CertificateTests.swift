import CofferCore
import CofferCrypto
import CofferModel
import CofferPlatform
import CofferTesting
import Testing

@testable import CofferVault

@Suite struct CertificateTests {
    let fixture = VaultFixture()
    private static let day: Duration = .seconds(86_400)

    private static func policy(
        _ key: JSONValue = ["kty": "EC", "crv": "P-256"], type: String = "application/x-pkcs12", issuer: String = "Self",
        action: JSONValue? = nil
    ) -> JSONValue {
        var policy: [String: JSONValue] = [
            "key_props": key, "secret_props": ["contentType": .string(type)], "issuer": ["name": .string(issuer)],
            "x509_props": [
                "subject": "CN=app.example.com, O=\"Contoso, Ltd\"", "validity_months": 12,
                "sans": ["dns_names": ["app.example.com", "*.example.com"], "emails": ["ada@example.com"], "upns": ["ada@example.com"]],
            ],
        ]
        if let action { policy["lifetime_actions"] = [action] }
        return .object(policy)
    }

    @discardableResult
    private func make(_ policy: JSONValue, _ more: [String: JSONValue] = [:], name: String = "web") async throws -> Answer {
        try await fixture.vault(.post, "certificates/\(name)/create", .object(["policy": policy].merging(more) { $1 }))
    }

    private func certificate(_ answer: Answer) throws -> Certificate {
        let der = try #require(answer.json["cer"]?.string.flatMap { StandardBase64.decode($0) }, "\(answer.message)")
        return try Certificate(der: der)
    }

    private func pass(days: Int) async {
        fixture.clock.advance(by: Self.day * days)
        await fixture.services.keeper.runDue()
    }

    @Test(arguments: [["kty": "EC", "crv": "P-384"], ["kty": "RSA", "key_size": 2048]] as [JSONValue])
    func aSelfSignedCertificateIsMadeWithItsKeyAndSecret(key: JSONValue) async throws {
        try await fixture.makeVault()
        let asked = try await make(Self.policy(key), ["tags": ["a": "b"]])
        #expect(asked.status == 202, "\(asked.message)")
        #expect(asked.json["status"]?.string == "inProgress")
        #expect(asked.headers["location"]?.hasPrefix("https://kv1.vault.localhost:8443/certificates/web/pending") == true)
        let pending = try await fixture.vault(.get, "certificates/web/pending")
        #expect(pending.json["status"]?.string == "completed")
        #expect(pending.json["target"]?.string == "https://kv1.vault.localhost:8443/certificates/web")
        let shown = try await fixture.vault(.get, "certificates/web")
        let found = try certificate(shown)
        #expect(found.subject.text == "CN=app.example.com, O=\"Contoso, Ltd\"")
        #expect(found.names == [.dns("app.example.com"), .dns("*.example.com"), .email("ada@example.com"), .user("ada@example.com")])
        #expect(found.usage == [.digitalSignature, .keyEncipherment])
        #expect(found.purposes == ["1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.2"])
        #expect(shown.json["x5t"]?.string == Base64URL.encode(found.thumbprint))
        #expect(shown.json["attributes"]?["exp"]?.int == found.notAfter.seconds)
        #expect(shown.json["tags"] == ["a": "b"])
        #expect(shown.json["policy"]?["issuer"]?["name"]?.string == "Self")
        let version = try #require(shown.json["id"]?.string?.split(separator: "/").last.map(String.init))
        let keyAnswer = try await fixture.vault(.get, "keys/web/\(version)")
        #expect(keyAnswer.json["managed"] == true)
        #expect(keyAnswer.json["key"]?["key_ops"] == (key["kty"] == "EC" ? ["sign", "verify"] : ["sign", "verify", "wrapKey", "unwrapKey"]))
        let secret = try await fixture.vault(.get, "secrets/web/\(version)")
        #expect(secret.json["contentType"]?.string == "application/x-pkcs12")
        #expect(secret.json["kid"] == shown.json["kid"])
        var pfx = try #require(secret.json["value"]?.string.flatMap { StandardBase64.decode($0) })
        let opened = try CertifiedKey(pfx: SecretBytes(wiping: &pfx), password: SecretBytes(count: 0) { _ in })
        #expect(opened.leaf == found)
        #expect(found.isOf(opened.key))
    }

    @Test func aPEMSecretHasKeyAndCertificateUnlessTheKeyStays() async throws {
        try await fixture.makeVault()
        try await make(Self.policy(type: "application/x-pem-file"))
        let value = try #require(try await fixture.vault(.get, "secrets/web").json["value"]?.string)
        #expect(value.contains("-----BEGIN PRIVATE KEY-----") && value.contains("-----BEGIN CERTIFICATE-----"))
        try await make(Self.policy(["kty": "EC", "exportable": false], type: "application/x-pem-file"), name: "kept")
        let kept = try #require(try await fixture.vault(.get, "secrets/kept").json["value"]?.string)
        #expect(!kept.contains("PRIVATE KEY") && kept.contains("-----BEGIN CERTIFICATE-----"))
    }

    @Test func keyAndSecretCannotBeChangedByThemselves() async throws {
        try await fixture.makeVault()
        try await make(Self.policy())
        for (method, path, body) in [
            (APIRequest.Method.delete, "keys/web", nil), (.delete, "secrets/web", nil), (.patch, "keys/web", ["attributes": ["enabled": false]]),
            (.patch, "secrets/web", ["attributes": ["enabled": false]]), (.post, "keys/web/rotate", nil),
            (.put, "secrets/web", ["value": "x"]), (.post, "keys/web/create", ["kty": "RSA"]),
        ] as [(APIRequest.Method, String, JSONValue?)] {
            let refused = try await fixture.vault(method, path, body)
            #expect(refused.status == 403, "\(method) \(path)")
            #expect(refused.innerCode == "ObjectIsManaged")
        }
        #expect(try await fixture.vault(.get, "certificates/web").status == 200)
    }

    @Test func aNameThatAKeyOrSecretHasIsTaken() async throws {
        try await fixture.makeVault()
        try await fixture.makeKey("one")
        _ = try await fixture.vault(.put, "secrets/two", ["value": "x"])
        for name in ["one", "two"] { #expect(try await make(Self.policy(), name: name).status == 409) }
    }

    @Test func disablingACertificateDisablesItsKeyAndSecret() async throws {
        try await fixture.makeVault()
        try await make(Self.policy())
        let off = try await fixture.vault(.patch, "certificates/web", ["attributes": ["enabled": false], "tags": ["x": "y"]])
        #expect(off.json["attributes"]?["enabled"] == false)
        #expect(off.json["tags"] == ["x": "y"])
        #expect(try await fixture.vault(.get, "secrets/web").innerCode == "SecretDisabled")
        let sign: JSONValue = ["alg": "ES256", "value": .string(Base64URL.encode(SecureRandom.bytes(32)))]
        #expect(try await fixture.vault(.post, "keys/web//sign", sign).innerCode == "KeyDisabled")
        _ = try await fixture.vault(.patch, "certificates/web", ["attributes": ["enabled": true]])
        #expect(try await fixture.vault(.post, "keys/web//sign", sign).status == 200)
    }

    @Test func aDeletedCertificateTakesKeyAndSecretAlongAndBringsThemBack() async throws {
        try await fixture.makeVault()
        try await make(Self.policy())
        let id = try await fixture.vault(.get, "certificates/web").json["id"]
        let deleted = try await fixture.vault(.delete, "certificates/web")
        #expect(deleted.json["recoveryId"]?.string == "https://kv1.vault.localhost:8443/deletedcertificates/web")
        for path in ["certificates/web", "keys/web", "secrets/web"] { #expect(try await fixture.vault(.get, path).status == 404, "\(path)") }
        #expect(try await fixture.vault(.get, "deletedcertificates").items.count == 1)
        #expect(try await fixture.vault(.delete, "deletedkeys/web").innerCode == "ObjectIsManaged")
        #expect(try await fixture.vault(.post, "deletedsecrets/web/recover").innerCode == "ObjectIsManaged")
        #expect(try await fixture.vault(.post, "deletedcertificates/web/recover").json["id"] == id)
        for path in ["certificates/web", "keys/web", "secrets/web"] { #expect(try await fixture.vault(.get, path).status == 200, "\(path)") }
        _ = try await fixture.vault(.delete, "certificates/web")
        #expect(try await fixture.vault(.delete, "deletedcertificates/web").status == 204)
        for collection in ["certificate-versions", "key-versions", "secret-versions", "certificate-policies", "certificate-operations"] {
            let rest = try await fixture.store.read { try $0.documents(in: collection, prefix: "", after: nil, limit: 10).count }
            #expect(rest == 0, "\(collection)")
        }
        #expect(try await make(Self.policy()).status == 202)
    }

    @Test func aRequestWaitsForItsCertificateAndCanBeGivenUp() async throws {
        try await fixture.makeVault()
        let asked = try await make(Self.policy(issuer: "Unknown"))
        #expect(asked.status == 202)
        #expect(asked.json["status"]?.string == "inProgress")
        #expect(asked.json["csr"]?.string.flatMap { StandardBase64.decode($0) }?.isEmpty == false)
        #expect(try await make(Self.policy()).status == 409)
        #expect(try await fixture.vault(.get, "certificates/web").json["attributes"]?["enabled"] == false)
        let foreign = try Certificate.selfSigned(
            CertificateProfile(subject: try DistinguishedName("CN=x"), names: [], usage: [], purposes: []),
            key: .ec(try ECKey.generate(on: .p256)), from: fixture.clock.now(), to: fixture.clock.now().adding(Self.day))
        let wrong = try await fixture.vault(
            .post, "certificates/web/pending/merge", ["x5c": [.string(StandardBase64.encode(foreign.der))]])
        #expect(wrong.code == "BadParameter")
        #expect(try await fixture.vault(.post, "certificates/web/pending/merge", ["x5c": ["AQID"]]).code == "BadParameter")
        let cancelled = try await fixture.vault(.patch, "certificates/web/pending", ["cancellation_requested": true])
        #expect(cancelled.json["status"]?.string == "cancelled")
        #expect(try await fixture.vault(.delete, "certificates/web/pending").status == 200)
        #expect(try await fixture.vault(.get, "certificates/web/pending").code == "PendingCertificateNotFound")
        #expect(try await make(Self.policy()).status == 202)
    }

    @Test func aPFXAndAPEMAreTakenIn() async throws {
        try await fixture.makeVault()
        let key = PrivateKey.ec(try ECKey.generate(on: .p256))
        let now = fixture.clock.now()
        let leaf = try Certificate.selfSigned(
            CertificateProfile(
                subject: try DistinguishedName("CN=imported"), names: [.dns("imported.example.com")], usage: [.digitalSignature], purposes: []),
            key: key, from: now, to: now.adding(Self.day * 90))
        let pfx = try CertificateExport.pfx([leaf], key: key).withBytes { bytes in unsafe bytes.withUnsafeBytes { unsafe Array($0) } }
        let pem = try CertificateExport.pem([leaf], key: key).withBytes { bytes in
            unsafe bytes.withUnsafeBytes { unsafe String(decoding: $0, as: UTF8.self) }
        }
        for (name, value) in [("p12", StandardBase64.encode(pfx)), ("pem", pem), ("pem64", StandardBase64.encode(Array(pem.utf8)))] {
            let taken = try await fixture.vault(.post, "certificates/\(name)/import", ["value": .string(value)])
            #expect(taken.status == 200, "\(taken.message)")
            #expect(try certificate(taken) == leaf)
            #expect(taken.json["policy"]?["x509_props"]?["subject"]?.string == "CN=imported")
            #expect(taken.json["policy"]?["key_props"]?["crv"]?.string == "P-256")
            let digest = SecureRandom.bytes(32)
            let signed = try await fixture.vault(
                .post, "keys/\(name)//sign", ["alg": "ES256", "value": .string(Base64URL.encode(digest))])
            let signature = try #require(signed.json["value"]?.string.flatMap { Base64URL.decode($0) })
            guard case .ec(let pair) = key else { return }
            #expect(try pair.verify(signature, digest: digest, using: .es256))
        }
        for value in ["", "AQID", "not base64!", "-----BEGIN CERTIFICATE-----\nAQID\n-----END CERTIFICATE-----\n"] {
            #expect(try await fixture.vault(.post, "certificates/bad/import", ["value": .string(value)]).code == "BadParameter", "\(value)")
        }
        let wrong = try await fixture.vault(.post, "certificates/bad/import", ["value": .string(StandardBase64.encode(pfx)), "pwd": "wrong"])
        #expect(wrong.code == "BadParameter")
    }

    @Test func aSelfSignedCertificateRenewsItself() async throws {
        try await fixture.makeVault()
        let action: JSONValue = ["trigger": ["days_before_expiry": 30], "action": ["action_type": "AutoRenew"]]
        try await make(Self.policy(action: action))
        let first = try await fixture.vault(.get, "certificates/web").json["id"]
        await pass(days: 330)
        #expect(try await fixture.vault(.get, "certificates/web").json["id"] == first)
        await pass(days: 10)
        let second = try await fixture.vault(.get, "certificates/web")
        #expect(second.json["id"] != first)
        #expect(try certificate(second).notAfter > fixture.clock.now().adding(Self.day * 360))
        #expect(try await fixture.vault(.get, "certificates/web/versions").items.count == 2)
        #expect(fixture.audit.events.contains { $0.operation == "CertificateRenew" })
        await fixture.services.keeper.runDue()
        #expect(try await fixture.vault(.get, "certificates/web/versions").items.count == 2)
    }

    @Test func contactsAreToldOfAnExpiry() async throws {
        try await fixture.makeVault()
        try await make(Self.policy())
        await pass(days: 280)
        #expect(!fixture.audit.events.contains { $0.operation == "CertificateNearExpiryEventGridNotification" })
        await pass(days: 20)
        #expect(fixture.audit.events.filter { $0.operation == "CertificateNearExpiryEventGridNotification" }.count == 1)
        #expect(try await fixture.vault(.get, "certificates/web/versions").items.count == 1)
    }

    @Test func aKeyIsReusedWhereThePolicySaysSo() async throws {
        try await fixture.makeVault()
        for reuse in [true, false] {
            let name = reuse ? "same" : "other"
            let policy = Self.policy(["kty": "EC", "reuse_key": .bool(reuse)])
            try await make(policy, name: name)
            let first = try await fixture.vault(.get, "keys/\(name)").json["key"]?["x"]
            try await make(policy, name: name)
            #expect((try await fixture.vault(.get, "keys/\(name)").json["key"]?["x"] == first) == reuse)
        }
    }

    @Test func aBackupBringsAllThreeBack() async throws {
        try await fixture.makeVault()
        try await make(Self.policy())
        let before = try await fixture.vault(.get, "certificates/web").json
        let value = try await fixture.vault(.get, "secrets/web").json["value"]
        let blob = try #require(try await fixture.vault(.post, "certificates/web/backup").json["value"])
        #expect(try await fixture.vault(.post, "certificates/restore", ["value": blob]).status == 409)
        _ = try await fixture.vault(.delete, "certificates/web")
        _ = try await fixture.vault(.delete, "deletedcertificates/web")
        let restored = try await fixture.vault(.post, "certificates/restore", ["value": blob])
        #expect(restored.status == 200, "\(restored.message)")
        #expect(restored.json["id"] == before["id"])
        #expect(restored.json["cer"] == before["cer"])
        #expect(try await fixture.vault(.get, "secrets/web").json["value"] == value)
        #expect(try await fixture.vault(.get, "keys/web").json["managed"] == true)
    }

    @Test func thePolicyIsShownAndChanged() async throws {
        try await fixture.makeVault()
        try await make(Self.policy())
        let shown = try await fixture.vault(.get, "certificates/web/policy")
        #expect(shown.json["id"]?.string == "https://kv1.vault.localhost:8443/certificates/web/policy")
        let changed = try await fixture.vault(.patch, "certificates/web/policy", ["key_props": ["kty": "RSA", "key_size": 3072]])
        #expect(changed.json["key_props"]?["key_size"]?.int == 3072)
        #expect(changed.json["x509_props"] == shown.json["x509_props"])
        #expect(try await fixture.vault(.get, "certificates/none/policy").code == "CertificateNotFound")
    }

    @Test(arguments: [
        policy(["kty": "oct"]), policy(["kty": "RSA", "crv": "P-256"]), policy(["kty": "EC", "key_size": 2048]), policy(["kty": "EC", "crv": "P-1"]), policy(["kty": "RSA-HSM"]), policy(["kty": "RSA", "key_size": 1000]), policy(type: "text/plain"),
        policy(action: ["trigger": ["lifetime_percentage": 100], "action": ["action_type": "AutoRenew"]]),
        policy(action: ["trigger": [:], "action": ["action_type": "AutoRenew"]]),
        policy(action: ["trigger": ["lifetime_percentage": 50], "action": ["action_type": "Fly"]]),
        ["issuer": ["name": "Self"], "x509_props": ["subject": "no equals sign"]], ["issuer": ["name": "Self"], "x509_props": [:]],
        ["issuer": ["name": "Self"], "x509_props": ["subject": "CN=x", "ekus": ["one.two"]]],
        ["issuer": ["name": "Self"], "x509_props": ["subject": "CN=x", "key_usage": ["fly"]]],
        ["issuer": ["name": "Self"], "x509_props": ["subject": "CN=x", "validity_months": 0]],
        ["issuer": ["name": "Self"], "x509_props": ["subject": "CN=x", "sans": ["dns_names": ["a b"]]]],
        ["issuer": ["name": "Self"], "x509_props": ["subject": "CN=x", "sans": ["emails": ["nobody"]]]],
    ] as [JSONValue])
    func policiesThatMakeNoSenseAreRefused(policy: JSONValue) async throws {
        try await fixture.makeVault()
        let refused = try await make(policy)
        #expect(refused.status == 400)
        #expect(refused.code == "BadParameter")
        #expect(try await fixture.vault(.get, "keys").items.isEmpty)
    }

    @Test func issuersAndContactsAreKept() async throws {
        try await fixture.makeVault()
        #expect(try await make(Self.policy(issuer: "acme")).code == "CertificateIssuerNotFound")
        let set = try await fixture.vault(
            .put, "certificates/issuers/acme", ["provider": "DigiCert", "credentials": ["account_id": "a", "pwd": "s3cret"]])
        #expect(set.json["provider"]?.string == "DigiCert", "\(set.message)")
        #expect(set.json["credentials"]?["pwd"] == nil)
        #expect(try await make(Self.policy(issuer: "acme")).code == "BadParameter")
        #expect(try await fixture.vault(.get, "certificates/issuers").items.count == 1)
        #expect(try await fixture.vault(.patch, "certificates/issuers/ACME", ["attributes": ["enabled": false]]).json["attributes"]?["enabled"] == false)
        #expect(try await fixture.vault(.delete, "certificates/issuers/acme").status == 200)
        #expect(try await fixture.vault(.get, "certificates/issuers/acme").code == "CertificateIssuerNotFound")
        #expect(try await fixture.vault(.get, "certificates/contacts").code == "ContactsNotFound")
        #expect(try await fixture.vault(.put, "certificates/contacts", ["contacts": [["name": "x"]]]).code == "BadParameter")
        let contacts: JSONValue = ["contacts": [["email": "ada@example.com", "name": "Ada"]]]
        #expect(try await fixture.vault(.put, "certificates/contacts", contacts).status == 200)
        #expect(try await fixture.vault(.get, "certificates/contacts").json["contacts"] == contacts["contacts"])
        #expect(try await fixture.vault(.delete, "certificates/contacts").status == 200)
    }

    @Test func aPolicyFromBeforeKeySizesWereLookedAtStillRenewsItsCertificate() async throws {
        try await fixture.makeVault()
        let action: JSONValue = ["trigger": ["days_before_expiry": 30], "action": ["action_type": "AutoRenew"]]
        try await make(Self.policy(action: action))
        let now = fixture.clock.now()
        try await fixture.store.write { transaction in
            let vault = try #require(try VaultName("kv1").flatMap { try transaction.vault(named: $0, at: now) })
            let name = try ObjectName("web")
            var policy = try #require(try transaction.certificatePolicy(of: name, in: vault))
            policy.key_props?.key_size = 2048
            try transaction.put(policy, of: name, in: vault)
        }
        await pass(days: 340)
        #expect(try await fixture.vault(.get, "certificates/web/versions").items.count == 2)
        #expect(try await fixture.vault(.patch, "certificates/web/policy", ["secret_props": ["contentType": "application/x-pem-file"]]).status == 200)
        #expect(try await fixture.vault(.patch, "certificates/web/policy", ["key_props": ["kty": "EC", "key_size": 2048]]).code == "BadParameter")
    }

    @Test func issuersThatCannotBeAreRefused() async throws {
        try await fixture.makeVault()
        let bodies: [JSONValue] = [
            [:], ["provider": ""], ["provider": "Acme"],
            ["provider": "DigiCert", "org_details": ["admin_details": [["email": "nobody"]]]],
            ["provider": "DigiCert", "org_details": ["admin_details": [["phone": .string(String(repeating: "1", count: 300))]]]],
        ]
        for body in bodies { #expect(try await fixture.vault(.put, "certificates/issuers/acme", body).code == "BadParameter", "\(body)") }
        #expect(try await fixture.vault(.put, "certificates/issuers/self", ["provider": "Test"]).code == "BadParameter")
        #expect(try await fixture.vault(.put, "certificates/issuers/acme", ["provider": "digicert"]).json["provider"] == "DigiCert")
        #expect(try await fixture.vault(.patch, "certificates/issuers/acme", ["provider": "Acme"]).code == "BadParameter")
        #expect(try await fixture.vault(.get, "certificates/issuers/acme").json["provider"] == "DigiCert")
    }

    @Test func eachStepNeedsItsOwnPermission() async throws {
        try await fixture.makeVault("kv1", ["enableRbacAuthorization": true])
        try await make(Self.policy())
        fixture.roles.allow("reader", "Microsoft.KeyVault/vaults/certificates/read", below: "/")
        #expect(try await fixture.vault(.get, "certificates/web", as: "reader").status == 200)
        #expect(try await fixture.vault(.get, "secrets/web", as: "reader").status == 403)
        for (method, path) in [
            (APIRequest.Method.delete, "certificates/web"), (.post, "certificates/web/backup"), (.post, "certificates/web/create"),
            (.post, "certificates/web/import"), (.patch, "certificates/web"), (.get, "certificates/issuers"), (.get, "certificates/contacts"),
        ] {
            #expect(try await fixture.vault(method, path, [:], as: "reader").innerCode == "ForbiddenByRbac", "\(path)")
        }
    }
}
