// modules: CofferCore CofferCrypto CofferModel CofferDiskFormat CofferBlock CofferNBDWire CofferNBD
import CofferBlock
import CofferCore
import CofferDiskFormat
import CofferModel
@testable import CofferNBD
import Glibc

/// Any bytes from a client after its handshake, on a disk of 256 KiB. The first byte chooses what was agreed.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    guard count > 0 else { return 0 }
    let choice = start[0]
    let stream = FuzzStream(UnsafeRawBufferPointer(start: start + 1, count: count - 1), pieceByteCount: choice & 16 != 0 ? 5 : .max)
    let disk = choice & 1 != 0 ? Disks.readOnly : Disks.writable
    guard let channel = try? disk.makeChannel() else { preconditionFailure("the disk is closed") }
    let rules = RequestRules(
        byteCount: disk.byteCount, isReadOnly: disk.isReadOnly, isStructured: choice & 2 != 0, reportsAllocation: choice & 4 != 0)
    Transmission(stream, channel, rules, leftover: []).run()
    channel.end()
    return 0
}

private final class FuzzStream: ByteStream {
    private var input: UnsafeRawBufferPointer
    private let pieceByteCount: Int

    init(_ input: UnsafeRawBufferPointer, pieceByteCount: Int) {
        self.input = input
        self.pieceByteCount = pieceByteCount
    }

    func receive(into buffer: UnsafeMutableRawBufferPointer) -> Int {
        let count = min(input.count, buffer.count, pieceByteCount)
        precondition(buffer.count > 0, "there is no room for what comes")
        buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: input[..<count]))
        input = UnsafeRawBufferPointer(rebasing: input[count...])
        return count
    }

    func send(_ bytes: UnsafeRawBufferPointer) -> Bool { true }
}

private enum Disks {
    static let writable = make(isReadOnly: false)
    static let readOnly = make(isReadOnly: true)

    private static let byteCount: UInt64 = 1 << 18

    private static func make(isReadOnly: Bool) -> EncryptedDisk {
        let path = "/dev/shm/coffer-fuzz-\(getpid())-\(isReadOnly)"
        let file = open(path, O_RDWR | O_CREAT | O_EXCL, 0o600)
        defer {
            close(file)
            unlink(path)
        }
        do {
            guard ftruncate(file, Int(byteCount)) == 0 else { throw FuzzError() }
            var bytes = (0..<64).map { UInt8($0) }
            let keys = LayerKeys(inner: SecretBytes(wiping: &bytes))
            return try EncryptedDisk(DataFile(path: path, isReadOnly: isReadOnly), byteCount: byteCount, keys: keys, isReadOnly: isReadOnly)
        } catch {
            preconditionFailure("a disk for fuzzing cannot be made: \(error)")
        }
    }

    private struct FuzzError: Error {}
}
