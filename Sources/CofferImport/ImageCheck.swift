import CofferCore
package import CofferPlatform

/// Looks into an image before any other program does, and refuses what would make one open other files: backing files, external
/// data files, extents by name, parents.
///
/// Sources: the qcow2 specification of QEMU (docs/interop/qcow2.txt), VMware's Virtual Disk Format 1.1, Microsoft's Virtual Hard
/// Disk specification.
package enum ImageCheck {
    /// How much of the file's start is looked at, in bytes.
    package static let headByteCount = 65536
    /// How much of its end, in bytes.
    package static let tailByteCount = 512

    /// Why an image may not be read, or nil if nothing speaks against it.
    ///
    /// - Parameters:
    ///   - head: The file's first bytes, ``headByteCount`` or all of them.
    ///   - tail: Its last ``tailByteCount``, or all of them.
    package static func objection(to format: DiskImage.Format, head: [UInt8], tail: [UInt8]) -> String? {
        switch format {
        case .raw: nil
        case .qcow2: qcow2(head)
        case .vhd: vhd(head, tail)
        case .vhdx: head.starts(with: Array("vhdxfile".utf8)) ? nil : "it is not a VHDX file"
        case .vmdk: vmdk(head)
        }
    }

    private static func qcow2(_ head: [UInt8]) -> String? {
        guard head.starts(with: [0x51, 0x46, 0x49, 0xFB]) else { return "it is not a qcow2 file" }
        guard let version = number(head, 4, 4), let backing = number(head, 8, 8), let encryption = number(head, 32, 4) else { return "its header is cut short" }
        guard version == 2 || version == 3 else { return "it has version \(version) of qcow2" }
        guard backing == 0 else { return "it has a backing file; commit or flatten it first: qemu-img convert -O qcow2" }
        guard encryption == 0 else { return "it is encrypted; decrypt it first" }
        guard version == 3 else { return nil }
        guard let features = number(head, 72, 8) else { return "its header is cut short" }
        // Dirty bit, corrupt bit, external data file, compression type, extended L2 entries.
        guard features & 0b100 == 0 else { return "its data is in another file" }
        guard features & 0b10 == 0 else { return "it is marked as corrupt; check it: qemu-img check -r all" }
        guard features < 0b100000 else { return "it has features that are not known" }
        return nil
    }

    private static func vhd(_ head: [UInt8], _ tail: [UInt8]) -> String? {
        let mark = Array("conectix".utf8)
        guard let footer = [tail, head].first(where: { $0.starts(with: mark) }) else { return "it is not a VHD file" }
        guard let type = number(footer, 60, 4) else { return "its footer is cut short" }
        // Fixed or dynamic; 4 is a difference to a parent.
        return type == 2 || type == 3 ? nil : "it is a difference to another file, or of a kind that is not known"
    }

    private static func vmdk(_ head: [UInt8]) -> String? {
        guard head.starts(with: Array("KDMV".utf8)) else {
            return "it is no sparse VMDK file of its own; a descriptor of other files is not read: qemu-img convert -O vmdk"
        }
        guard let capacity = number(Array(head.dropFirst(12).prefix(8).reversed()), 0, 8),
            let place = number(Array(head.dropFirst(28).prefix(8).reversed()), 0, 8),
            let size = number(Array(head.dropFirst(36).prefix(8).reversed()), 0, 8)
        else { return "its header is cut short" }
        guard capacity > 0 else { return "its header names no size, so that its descriptor would be followed" }
        guard place > 0 else { return nil }
        let (start, overflow) = place.multipliedReportingOverflow(by: 512)
        let (length, tooLong) = size.multipliedReportingOverflow(by: 512)
        guard !overflow, !tooLong, start < UInt64(head.count), length <= UInt64(headByteCount) else { return "its descriptor is not where it should be" }
        let text = String(decoding: head.dropFirst(Int(start)).prefix(Int(length)), as: UTF8.self)
        for line in text.split(whereSeparator: \.isNewline) {
            let words = line.split(separator: "=", maxSplits: 1).map { $0.trimmingBlanks().lowercased() }
            if words.first == "parentcid", words.last != "ffffffff" { return "it has a parent; flatten it first" }
            if words.first == "parentfilenamehint" { return "it has a parent; flatten it first" }
        }
        return nil
    }

    /// A big-endian number of `count` bytes, 8 at most; nil if there are not so many.
    private static func number(_ bytes: [UInt8], _ offset: Int, _ count: Int) -> UInt64? {
        let part = bytes.dropFirst(offset).prefix(count)
        return part.count == count ? part.reduce(0) { $0 << 8 | UInt64($1) } : nil
    }
}

extension Substring {
    fileprivate func trimmingBlanks() -> Substring {
        var text = drop { $0 == " " || $0 == "\t" || $0 == "\"" }
        while let last = text.last, last == " " || last == "\t" || last == "\"" || last == "\0" { text.removeLast() }
        return text
    }
}
