import CofferCore
import CofferCrypto
import CofferModel

// Offset  Bytes  Field, big-endian
//      0      8  magic "COFFERDK"
//      8      4  version: 1, or 2 while the disk is being re-encrypted, or 3 if it is not encrypted
//     12      4  length of the file, checksum included
//     16     16  disk id
//     32      8  byte count
//     40      8  generation
//     48      4  sector size, 4096
//     52      4  number of layers, 1 or 2; in version 3 0
//     56         the layers: cipher (2), check value (16), then key id, algorithm and wrapped key, each after its length (2)
//                in version 2, and in version 3 while the disk is being encrypted, then job id (16), paused 0 or 1 (1), bytes a second (8), number of target layers (4), the target layers
//    end     32  SHA-256 of all bytes before it
extension DiskHeader {
    /// The first 8 bytes of every header: "COFFERDK".
    package static let magic: [UInt8] = Array("COFFERDK".utf8)
    /// No header is longer, in bytes.
    package static let maximumFileByteCount = 16384

    private static let cipherCode: UInt16 = 1
    private static let checksumByteCount = DigestAlgorithm.sha256.length
    private static let fixedByteCount = 56

    /// The header as the file holds it.
    package var bytes: [UInt8] {
        var body = ByteWriter()
        for layer in layers { Self.write(layer, to: &body) }
        if let reencryption {
            body.write(reencryption.job)
            body.write(reencryption.isPaused ? 1 : 0 as UInt8)
            body.write(reencryption.bytesPerSecond)
            body.write(UInt32(truncatingIfNeeded: reencryption.layers.count))
            for layer in reencryption.layers { Self.write(layer, to: &body) }
        }
        var file = ByteWriter()
        file.write(Self.magic)
        file.write(formVersion)
        file.write(UInt32(truncatingIfNeeded: Self.fixedByteCount + body.bytes.count + Self.checksumByteCount))
        file.write(disk.bytes)
        file.write(byteCount)
        file.write(generation)
        file.write(UInt32(Self.sectorByteCount))
        file.write(UInt32(truncatingIfNeeded: layers.count))
        file.write(body.bytes)
        file.write(DigestAlgorithm.sha256.hash(file.bytes))
        return file.bytes
    }

    private var formVersion: UInt32 { layers.isEmpty ? 3 : reencryption == nil ? 1 : 2 }

    private static func write(_ layer: HeaderLayer, to body: inout ByteWriter) {
        body.write(cipherCode)
        body.write(layer.check.bytes)
        for field in [Array(layer.layer.keyID.utf8), Array(layer.layer.algorithm.utf8), layer.layer.wrappedKey] {
            body.write(UInt16(truncatingIfNeeded: field.count))
            body.write(field)
        }
    }

    /// Reads a header. Never traps, whatever the bytes.
    ///
    /// - Throws: ``DiskFormatError/notAHeader``, ``DiskFormatError/unknownVersion(_:)`` or, for anything else that is not
    ///   exactly as this program writes it, ``DiskFormatError/damaged(_:)``.
    package init(bytes: [UInt8]) throws(DiskFormatError) {
        guard bytes.count <= Self.maximumFileByteCount else { throw .damaged("it is longer than any header") }
        guard bytes.starts(with: Self.magic) else { throw .notAHeader }
        do {
            self = try Self.parse(bytes)
        } catch let error as DiskFormatError {
            if case .invalid(let part) = error { throw .damaged(part) }
            throw error
        } catch {
            throw .damaged("it ends too early")
        }
    }

    private static func parse(_ bytes: [UInt8]) throws -> DiskHeader {
        var reader = ByteReader(bytes)
        _ = try reader.read(magic.count)
        let version = try reader.uint32()
        guard 1...Self.version ~= version else { throw DiskFormatError.unknownVersion(version) }
        guard try Int(reader.uint32()) == bytes.count else { throw DiskFormatError.damaged("its length is wrong") }
        let body = bytes.dropLast(checksumByteCount)
        guard ConstantTime.equal(DigestAlgorithm.sha256.hash(Array(body)), Array(bytes.suffix(checksumByteCount))) else {
            throw DiskFormatError.damaged("its checksum is wrong")
        }
        guard let disk = DiskID(bytes: try reader.read(16)) else { throw DiskFormatError.damaged("it has no disk id") }
        let byteCount = try reader.uint64()
        let generation = try reader.uint64()
        guard try reader.uint32() == UInt32(sectorByteCount) else { throw DiskFormatError.damaged("its sector size is not 4096") }
        let layers = try parseLayers(&reader, version == 3 ? 0...0 : 1...2)
        let hasReencryption = version == 2 || version == 3 && reader.remaining > checksumByteCount
        let reencryption = hasReencryption ? try parseReencryption(&reader) : nil
        guard reader.remaining == checksumByteCount else { throw DiskFormatError.damaged("its length is wrong") }
        return try DiskHeader(disk: disk, byteCount: byteCount, generation: generation, layers: layers, reencryption: reencryption)
    }

    private static func parseReencryption(_ reader: inout ByteReader) throws -> HeaderReencryption {
        let job = try reader.read(HeaderReencryption.jobByteCount)
        let pause = try reader.uint8()
        guard pause <= 1 else { throw DiskFormatError.damaged("its re-encryption is neither paused nor at work") }
        let bytesPerSecond = try reader.uint64()
        return try HeaderReencryption(job: job, isPaused: pause == 1, bytesPerSecond: bytesPerSecond, layers: try parseLayers(&reader, 1...2))
    }

    private static func parseLayers(_ reader: inout ByteReader, _ counts: ClosedRange<UInt32>) throws -> [HeaderLayer] {
        let count = try reader.uint32()
        guard counts ~= count else { throw DiskFormatError.damaged("it has \(count) layers") }
        var layers: [HeaderLayer] = []
        for _ in 0..<count { layers.append(try parseLayer(&reader)) }
        return layers
    }

    private static func parseLayer(_ reader: inout ByteReader) throws -> HeaderLayer {
        guard try reader.uint16() == cipherCode else { throw DiskFormatError.damaged("its cipher is unknown") }
        guard let check = KeyCheck(bytes: try reader.read(KeyCheck.count)) else {
            throw DiskFormatError.damaged("it has no key check value")
        }
        let keyID = try text(&reader)
        let algorithm = try text(&reader)
        let wrappedKey = try reader.read(Int(reader.uint16()))
        return try HeaderLayer(DiskLayer(keyID: keyID, algorithm: algorithm, wrappedKey: wrappedKey), check: check)
    }

    private static func text(_ reader: inout ByteReader) throws -> String {
        let bytes = try reader.read(Int(reader.uint16()))
        guard let text = String(validating: bytes, as: UTF8.self) else { throw DiskFormatError.damaged("a text is not UTF-8") }
        return text
    }
}
