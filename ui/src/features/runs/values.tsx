/** Named values, each readable whole. */
import { Section } from '../../components/parts';

export function ValueTable({ title, values, empty }: { title: string; values: Record<string, unknown>; empty: string }) {
  const entries = Object.entries(values);
  return (
    <Section title={title} count={entries.length || undefined}>
      {entries.length === 0 ? (
        <p class="empty small">{empty}</p>
      ) : (
        <table>
          <tbody>
            {entries.map(([name, value]) => (
              <tr key={name}>
                <td class="soft" style={{ width: '30%' }}>
                  {name}
                </td>
                <td class="mono wrap">
                  {typeof value === 'object' && value !== null ? (
                    <details>
                      <summary>{Array.isArray(value) ? `list of ${value.length}` : `map of ${Object.keys(value).length}`}</summary>
                      <pre>{JSON.stringify(value, null, 2)}</pre>
                    </details>
                  ) : (
                    String(value)
                  )}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </Section>
  );
}
