import CofferCore
import CofferCrypto
@testable import CofferDiskFormat
import CofferModel
import Testing

struct DiskHeaderTests {
    @Test(arguments: [0, 1, 2])
    func aHeaderReadsBackAsItWasWritten(layers: Int) throws {
        let header = try Samples.header(layers: layers)
        #expect(try DiskHeader(bytes: header.bytes) == header)
    }

    @Test func theDocumentedVectorIsReadAndWritten() throws {
        let bytes = try #require(Hex.decode(Samples.headerHex))
        let header = try DiskHeader(bytes: bytes)
        #expect(header.disk == Samples.disk)
        #expect(header.byteCount == 1 << 30)
        #expect(header.generation == 7)
        #expect(header.layers.map(\.layer.algorithm) == ["RSA-OAEP-256", "A256KW"])
        #expect(header.layers.map(\.layer.keyID) == ["https://v.vault.localhost:8443/keys/k/0123456789abcdef0123456789abcdef", "platform:1"])
        #expect(header.layers.map(\.layer.wrappedKey) == [Array(0..<8), Array(100..<108)])
        #expect(header.bytes == bytes)
        // The check values were made by another implementation of HMAC.
        try header.prove(Samples.keys(2))
    }

    @Test func aHeaderWithAnyByteChangedIsRefused() throws {
        let bytes = try Samples.header(layers: 2).bytes
        for position in bytes.indices {
            for flip: UInt8 in [1, 0x80, 0xFF] {
                var changed = bytes
                changed[position] ^= flip
                #expect(throws: DiskFormatError.self) { try DiskHeader(bytes: changed) }
            }
        }
    }

    @Test func aHeaderCutAnywhereIsRefused() throws {
        let bytes = try Samples.header(layers: 2).bytes
        for count in bytes.indices {
            #expect(throws: DiskFormatError.self) { try DiskHeader(bytes: Array(bytes[..<count])) }
        }
    }

    @Test func aHeaderWithMoreBehindItIsRefused() throws {
        let bytes = try Samples.header(layers: 1).bytes
        #expect(throws: DiskFormatError.damaged("its length is wrong")) { try DiskHeader(bytes: bytes + [0]) }
        #expect(throws: DiskFormatError.damaged("its length is wrong")) { try DiskHeader(bytes: bytes + bytes) }
        #expect(throws: DiskFormatError.damaged("it is longer than any header")) {
            try DiskHeader(bytes: bytes + [UInt8](repeating: 0, count: DiskHeader.maximumFileByteCount))
        }
    }

    @Test func anUnknownVersionIsNamed() throws {
        var bytes = try Samples.header(layers: 1).bytes
        bytes[11] = 4
        let error = #expect(throws: DiskFormatError.unknownVersion(4)) { try DiskHeader(bytes: bytes) }
        #expect(error?.sentence.contains("version 4") == true)
    }

    @Test func aDiskThatIsNotEncryptedHasAVersionOfItsOwn() throws {
        let plain = try Samples.header(layers: 0)
        #expect(plain.bytes[11] == 3)
        try plain.prove(Samples.keys(0))
        #expect(throws: DiskFormatError.wrongKey(layer: 0)) { try plain.prove(Samples.keys(1)) }
        #expect(throws: DiskFormatError.wrongKey(layer: 0)) { try Samples.header(layers: 1).prove(Samples.keys(0)) }
        // Layers under that version, and none under the first.
        for (layers, version) in [(1, 3), (0, 1)] as [(Int, UInt8)] {
            var body = Array(try Samples.header(layers: layers).bytes.dropLast(32))
            body[11] = version
            #expect(throws: DiskFormatError.damaged("it has \(layers) layers")) {
                try DiskHeader(bytes: body + DigestAlgorithm.sha256.hash(body))
            }
        }
    }

    @Test func anotherFileIsNoHeader() {
        #expect(throws: DiskFormatError.notAHeader) { try DiskHeader(bytes: Array("LUKS\u{ba}\u{be}".utf8)) }
        #expect(throws: DiskFormatError.notAHeader) { try DiskHeader(bytes: []) }
    }

    @Test(arguments: [0, 1, 4095, 4097, (1 << 46) + 4096] as [UInt64])
    func aSizeThatNoDiskHasIsRefused(byteCount: UInt64) {
        #expect(throws: DiskFormatError.self) { try Samples.header(layers: 1, byteCount: byteCount) }
    }

    @Test func textsAndKeysHaveLimits() throws {
        let check = KeyCheck(of: Samples.innerKey(), disk: Samples.disk, layer: 0)
        let long = String(repeating: "k", count: HeaderLayer.maximumKeyIDByteCount)
        let layers = [
            DiskLayer(keyID: "", algorithm: "a", wrappedKey: [1]), DiskLayer(keyID: "k", algorithm: "", wrappedKey: [1]),
            DiskLayer(keyID: "k", algorithm: "a", wrappedKey: []), DiskLayer(keyID: long + "k", algorithm: "a", wrappedKey: [1]),
            DiskLayer(keyID: "k", algorithm: "a", wrappedKey: [UInt8](repeating: 1, count: 1025)),
        ]
        for layer in layers { #expect(throws: DiskFormatError.self) { try HeaderLayer(layer, check: check) } }
        let largest = try HeaderLayer(
            DiskLayer(keyID: long, algorithm: String(repeating: "a", count: 32), wrappedKey: [UInt8](repeating: 1, count: 1024)), check: check)
        let header = try DiskHeader(disk: Samples.disk, byteCount: 4096, generation: .max, layers: [largest, largest])
        #expect(header.bytes.count <= DiskHeader.maximumFileByteCount)
        #expect(try DiskHeader(bytes: header.bytes) == header)
        #expect(throws: DiskFormatError.self) { try header.rewrapped(layer: 0, to: Samples.layer(2)) }
    }

    @Test func rewrappingChangesOneLayerAndKeepsTheCheckValues() throws {
        let old = try Samples.header(layers: 2)
        let new = try old.rewrapped(layer: 0, to: Samples.layer(2))
        #expect(new.generation == 2)
        #expect(new.layers[0].layer == Samples.layer(2))
        #expect(new.layers[1] == old.layers[1])
        #expect(new.layers.map(\.check) == old.layers.map(\.check))
        #expect(throws: DiskFormatError.self) { try old.rewrapped(layer: 2, to: Samples.layer(2)) }
    }

    @Test func aWrongKeyIsProvedWrong() throws {
        let header = try Samples.header(layers: 2)
        try header.prove(Samples.innerKey(), isLayer: 0)
        #expect(throws: DiskFormatError.wrongKey(layer: 0)) { try header.prove(Samples.outerKey(), isLayer: 0) }
        #expect(throws: DiskFormatError.wrongKey(layer: 1)) { try header.prove(Samples.innerKey(), isLayer: 1) }
        #expect(throws: DiskFormatError.wrongKey(layer: 2)) { try header.prove(Samples.innerKey(), isLayer: 2) }
        #expect(throws: DiskFormatError.wrongKey(layer: 0)) {
            try header.prove(LayerKeys(inner: Samples.outerKey(), outer: Samples.innerKey()))
        }
        #expect(throws: DiskFormatError.wrongKey(layer: 1)) { try header.prove(Samples.keys(1)) }
    }

    @Test func checkValuesDifferBetweenDisksAndLayers() throws {
        let other = Samples.id("00000000-0000-0000-0000-000000000001")
        let values = [
            KeyCheck(of: Samples.innerKey(), disk: Samples.disk, layer: 0), KeyCheck(of: Samples.innerKey(), disk: Samples.disk, layer: 1),
            KeyCheck(of: Samples.innerKey(), disk: other, layer: 0),
        ]
        #expect(Set(values.map { Hex.encode($0.bytes) }).count == 3)
    }
}
