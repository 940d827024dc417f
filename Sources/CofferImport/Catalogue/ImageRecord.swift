package import CofferModel

/// What `image.json` says of the `disk.raw` beside it (docs/formats/images.md).
package struct ImageRecord: Equatable, Sendable {
    package enum OSType: String, Codable, Sendable, CaseIterable {
        case linux = "Linux"
        case windows = "Windows"
    }

    /// V2 machines start by UEFI, V1 machines by BIOS.
    package enum HyperVGeneration: String, Codable, Sendable, CaseIterable {
        case v1 = "V1"
        case v2 = "V2"
    }

    package let name: ImageName
    package let osType: OSType
    package let hyperVGeneration: HyperVGeneration
    /// The disk's size in bytes.
    package let sizeBytes: UInt64
    /// SHA-256 of the whole disk, holes read as zeros; lower-case hex.
    package let sha256: String
    /// When it was made, RFC 3339.
    package let created: String
    /// What it was made from: `debian-12@FINGERPRINT` for a recipe, `NAME.qcow2` for a file.
    package let builtFrom: String

    package init(
        name: ImageName, osType: OSType, hyperVGeneration: HyperVGeneration, sizeBytes: UInt64, sha256: String, created: String, builtFrom: String
    ) {
        self.name = name
        self.osType = osType
        self.hyperVGeneration = hyperVGeneration
        self.sizeBytes = sizeBytes
        self.sha256 = sha256
        self.created = created
        self.builtFrom = builtFrom
    }

    /// The most that an `image.json` may have, in bytes.
    package static let maximumByteCount = 64 << 10

    /// - Throws: ``CatalogueError/badRecord(_:)`` or ``CatalogueError/badName(_:)``, saying which member is wrong.
    package init(json bytes: [UInt8]) throws(CatalogueError) {
        guard bytes.count <= Self.maximumByteCount, let value = try? JSON.decode(JSONValue.self, from: bytes) else {
            throw .badRecord("It is no JSON, or has more than \(Self.maximumByteCount) bytes.")
        }
        func text(_ member: String) throws(CatalogueError) -> String {
            guard let text = value[member]?.string, text.utf8.count <= 1000 else { throw .badRecord("It has no text '\(member)'.") }
            return text
        }
        func choice<Choice: RawRepresentable<String>>(_ member: String, _: Choice.Type) throws(CatalogueError) -> Choice {
            let word = try text(member)
            guard let choice = Choice(rawValue: word) else { throw .badRecord("Its '\(member)' is '\(word.prefix(100))', which is not known.") }
            return choice
        }
        guard let version = ImageVersion(try text("version")) else { throw .badRecord("Its 'version' is none: MAJOR.MINOR.PATCH.") }
        guard let size = value["sizeBytes"]?.int, size > 0 else { throw .badRecord("It has no 'sizeBytes' above 0.") }
        let digest = try text("sha256")
        guard digest.utf8.count == 64, digest.utf8.allSatisfy({ Self.digits.contains($0) }) else { throw .badRecord("Its 'sha256' is no digest in hex.") }
        self.init(
            name: try ImageName(publisher: text("publisher"), offer: text("offer"), sku: text("sku"), version: version),
            osType: try choice("osType", OSType.self), hyperVGeneration: try choice("hyperVGeneration", HyperVGeneration.self),
            sizeBytes: UInt64(size), sha256: digest, created: try text("created"), builtFrom: try text("builtFrom"))
    }

    package var json: JSONValue {
        [
            "publisher": .string(name.publisher), "offer": .string(name.offer), "sku": .string(name.sku), "version": .string(name.version.description),
            "osType": .string(osType.rawValue), "hyperVGeneration": .string(hyperVGeneration.rawValue), "sizeBytes": .int(Int64(clamping: sizeBytes)),
            "sha256": .string(sha256), "created": .string(created), "builtFrom": .string(builtFrom),
        ]
    }

    private static let digits = Array("0123456789abcdef".utf8)
}
