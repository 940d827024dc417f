import CofferDiskFormat
import CofferModel
import Testing

struct DirectoryEntryTests {
    @Test func anEntryIsReadAsItWasWritten() {
        for entry in [DirectoryEntry.new(of: nil), .new(of: Samples.disk), .deleted(of: nil), .deleted(of: Samples.disk), .disk(Array("COFFERDK".utf8))] {
            #expect(DirectoryEntry(bytes: entry.bytes) == entry)
        }
    }

    @Test(arguments: ["", "new ", "new of", "newer", "deleted \(Samples.disk.text) ", "deleted \(Samples.disk.text.uppercased())", " new", "new\n"])
    func whatIsNeitherWordIsLeftAloneAsAHeader(text: String) {
        #expect(DirectoryEntry(bytes: Array(text.utf8)) == .disk(Array(text.utf8)))
    }
}
