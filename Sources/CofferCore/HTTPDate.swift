/// Dates as HTTP writes them (RFC 9110 section 5.6.7).
package enum HTTPDate {
    private static let days = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"]
    private static let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]

    /// Such as `Sun, 06 Nov 1994 08:49:37 GMT`.
    package static func text(_ time: Timestamp) -> String {
        // `1994-11-06T08:49:37.000Z`
        let parts = time.description.split(whereSeparator: { "-T.".contains($0) })
        guard parts.count == 5, let month = Int(parts[1]), (1...12).contains(month) else { return "" }
        let day = time.seconds / 86_400 % 7
        return "\(days[Int(day < 0 ? day + 7 : day)]), \(parts[2]) \(months[month - 1]) \(parts[0]) \(parts[3]) GMT"
    }
}
