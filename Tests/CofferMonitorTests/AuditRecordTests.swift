import CofferCore
import CofferModel
import CofferPlatform
import CofferTesting
import Testing

@testable import CofferMonitor

@Suite struct AuditRecordTests {
    @Test func whatTheWriterWritesIsWhatADecoderReads() throws {
        for seed in 0..<400 as Range<UInt64> {
            var random = SeededRandom(seed: seed)
            let record = AuditRecord(Events.random(&random))
            let json = AuditRecordWriter.json(record)
            let read = try #require(try? JSON.decode(AuditRecord.self, from: json), "seed \(seed)")
            #expect(read == record, "seed \(seed)")
            #expect(!json.contains(UInt8(ascii: "\n")), "seed \(seed)")
        }
    }

    @Test func everyASCIICharacterSurvives() throws {
        for scalar in (0..<128).compactMap({ Unicode.Scalar(UInt8($0)) }) {
            let event = Events.event(1, clientInfo: "a\(Character(scalar))b")
            let read = try JSON.decode(AuditRecord.self, from: AuditRecordWriter.json(AuditRecord(event)))
            #expect(read.event(on: event.resource) == event)
        }
    }

    @Test func anEventComesBackWhole() {
        var random = SeededRandom(seed: 7)
        for _ in 0..<100 {
            let event = Events.random(&random)
            #expect(AuditRecord(event).event(on: event.resource) == event)
        }
    }

    @Test func noClientMakesARecordLong() throws {
        let event = Events.event(1, clientInfo: "a" + String(repeating: "é", count: 5000))
        let record = AuditRecord(event)
        let kept = try #require(record.event(on: event.resource).clientInfo)
        #expect(kept.utf8.count <= AuditRecord.longestText)
        #expect(kept.hasPrefix("aéé") && kept.hasSuffix("…"))
        #expect(try JSON.decode(AuditRecord.self, from: AuditRecordWriter.json(record)) == record)
    }

    @Test func recordsFromBeforeAMemberAreRead() throws {
        let old = #"{"t":1,"op":"KeyGet","st":200,"ms":1,"ip":"","oid":"o","app":"a","cor":"c"}"#
        let record = try JSON.decode(AuditRecord.self, from: Array(old.utf8))
        #expect(record.event(on: Events.vault("kv1")).callerPrincipalName == nil)
        #expect(record.event(on: Events.vault("kv1")).tlsVersion == nil)
        #expect(AuditRecordWriter.json(record) == Array(old.utf8))
    }

    @Test func azuresFormHasItsMembers() throws {
        let event = AuditEvent(
            time: Timestamp(seconds: 1_767_225_600), resource: Events.vault("kv1"), operation: "KeyUnwrap", operationVersion: "7.4",
            status: 403, resultDescription: "no", durationMilliseconds: 12, callerAddress: "127.0.0.1", callerObjectID: "o",
            callerApplicationID: "a", callerPrincipalName: "ann@example.org", correlationID: "c", object: "https://kv1.vault.localhost/keys/k/1", clientInfo: "az",
            requestURI: "https://kv1.vault.localhost/keys/k/1/unwrapkey?api-version=7.4",
            tlsVersion: "TLS1_3", access: .roleAssignment(isAuthorized: false), key: AuditKey(type: "RSA", size: 2048), algorithm: "RSA-OAEP-256")
        let shown = try JSON.decode(JSONValue.self, from: JSON.encode(AuditEventResource(event)))
        #expect(shown == [
            "time": "2026-01-01T00:00:00.000Z",
            "resourceId": "/SUBSCRIPTIONS/S/RESOURCEGROUPS/G/PROVIDERS/MICROSOFT.KEYVAULT/VAULTS/KV1",
            "operationName": "KeyUnwrap", "operationVersion": "7.4", "category": "AuditEvent", "resultType": "Failure",
            "resultSignature": "Forbidden", "resultDescription": "no", "durationMs": "12", "callerIpAddress": "127.0.0.1",
            "correlationId": "c",
            "identity": [
                "claim": [
                    "http://schemas.microsoft.com/identity/claims/objectidentifier": "o",
                    "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn": "ann@example.org", "appid": "a",
                ]
            ],
            "properties": [
                "id": "https://kv1.vault.localhost/keys/k/1", "clientInfo": "az",
                "requestUri": "https://kv1.vault.localhost/keys/k/1/unwrapkey?api-version=7.4", "httpStatusCode": .int(403),
                "tlsVersion": "TLS1_3",
                "isRbacAuthorized": false, "algorithm": "RSA-OAEP-256", "keyProperties": ["type": "RSA", "size": .int(2048)],
            ],
        ])
    }
}
