import CofferCore
import CofferTesting
import Foundation
import Testing

@Suite struct SecretBytesTests {
    private func revealed(_ secret: borrowing SecretBytes) -> [UInt8] {
        secret.withBytes { span in unsafe span.withUnsafeBytes { unsafe Array($0) } }
    }

    @Test(arguments: [0, 1, 31, 4095, 4096, 4097, 100_000])
    func bytesAreThoseThatWereFilledIn(count: Int) {
        var random = SeededRandom(seed: UInt64(count))
        let bytes = random.bytes(count)
        let secret = SecretBytes(count: count) { (span: inout MutableRawSpan) in
            #expect(span.byteCount == count)
            for index in 0..<count { span.storeBytes(of: bytes[index], toByteOffset: index, as: UInt8.self) }
        }
        #expect(secret.count == count)
        #expect(revealed(secret) == bytes)
    }

    @Test func newSecretIsZero() {
        let secret = SecretBytes(count: 10_000) { (_: inout MutableRawSpan) in }
        #expect(revealed(secret) == [UInt8](repeating: 0, count: 10_000))
    }

    @Test func originalIsWipedWhereItIsAskedFor() {
        var original: [UInt8] = [1, 2, 3]
        let secret = SecretBytes(wiping: &original)
        #expect(original == [0, 0, 0])
        #expect(revealed(secret) == [1, 2, 3])
        var none: [UInt8] = []
        #expect(SecretBytes(wiping: &none).count == 0)
    }

    @Test func wipingLeavesCopiesOfTheArrayAlone() {
        let kept: [UInt8] = [1, 2, 3]
        var original = kept
        let secret = SecretBytes(wiping: &original)
        #expect(kept == [1, 2, 3])
        #expect(revealed(secret) == kept)
    }

    @Test func cloneHoldsTheSameBytesElsewhere() {
        let secret = unsafe SecretBytes(copying: [5, 6, 7].span.bytes)
        let clone = secret.clone()
        let isEqual = clone.constantTimeEquals(secret)
        #expect(isEqual)
        let first = secret.withBytes { unsafe $0.withUnsafeBytes { UInt(bitPattern: $0.baseAddress) } }
        let second = clone.withBytes { unsafe $0.withUnsafeBytes { UInt(bitPattern: $0.baseAddress) } }
        #expect(first != second)
        #expect(first % UInt(getpagesize()) == 0 && second % UInt(getpagesize()) == 0)
    }

    @Test func equalityIsOfAllBytesAndLength() {
        let bytes: [UInt8] = Array(0..<40)
        let secret = unsafe SecretBytes(copying: bytes.span.bytes)
        let isEqualToItself = secret.constantTimeEquals(secret)
        #expect(isEqualToItself)
        for index in bytes.indices {
            var changed = bytes
            changed[index] ^= 0x10
            let isEqual = secret.constantTimeEquals(SecretBytes(wiping: &changed))
            #expect(!isEqual, "byte \(index)")
        }
        var short = Array(bytes.dropLast())
        let isEqualToPart = secret.constantTimeEquals(SecretBytes(wiping: &short))
        #expect(!isEqualToPart)
        var none: [UInt8] = []
        var nothing: [UInt8] = []
        let areNothingsEqual = SecretBytes(wiping: &none).constantTimeEquals(SecretBytes(wiping: &nothing))
        #expect(areNothingsEqual)
    }

    @Test func errorOfTheFillerArrives() {
        struct Stop: Error {}
        #expect(throws: Stop.self) {
            try SecretBytes(count: 4) { (span: inout MutableRawSpan) throws(Stop) in
                span.storeBytes(of: 7, toByteOffset: 0, as: UInt8.self)
                throw Stop()
            }.count
        }
        let secret = SecretBytes(count: 1) { (_: inout MutableRawSpan) in }
        #expect(throws: Stop.self) { try secret.withBytes { (_: RawSpan) throws(Stop) in throw Stop() } }
    }

    /// Were the pages of a secret whose filler throws, or of one that is done with, not given back, this would take 800 MB, far
    /// more than other tests of this process can take meanwhile.
    @Test func pagesAreGivenBack() throws {
        struct Stop: Error {}
        let before = try residentPages()
        for _ in 0..<100_000 {
            _ = SecretBytes(count: 32) { (span: inout MutableRawSpan) in
                span.storeBytes(of: 1, toByteOffset: 0, as: UInt8.self)
            }
            _ = try? SecretBytes(count: 32) { (span: inout MutableRawSpan) throws(Stop) in
                span.storeBytes(of: 1, toByteOffset: 0, as: UInt8.self)
                throw Stop()
            }
        }
        #expect(try residentPages() - before < 100_000)
    }

    private func residentPages() throws -> Int {
        let text = try String(contentsOfFile: "/proc/self/statm", encoding: .utf8)
        return try #require(text.split(separator: " ").dropFirst().first.flatMap { Int($0) })
    }

    /// The kernel marks such pages `dd`; without the mark they would be in a core dump.
    @Test func pagesStayOutOfCoreDumps() throws {
        let secret = SecretBytes(count: 32) { (_: inout MutableRawSpan) in }
        let address = secret.withBytes { unsafe $0.withUnsafeBytes { UInt(bitPattern: $0.baseAddress) } }
        let file = try FileHandle(forReadingFrom: URL(filePath: "/proc/self/smaps"))
        let maps = String(decoding: try file.readToEnd() ?? Data(), as: UTF8.self)
        var isInside = false
        var flags = ""
        for line in maps.split(separator: "\n") {
            let bounds = line.prefix { $0 != " " }.split(separator: "-").compactMap { UInt($0, radix: 16) }
            if bounds.count == 2 { isInside = bounds[0] <= address && address < bounds[1] }
            if isInside, line.hasPrefix("VmFlags:") { flags = String(line) }
        }
        #expect(flags.split(separator: " ").contains("dd"), "\(flags)")
        #expect(secret.count == 32)
    }
}
