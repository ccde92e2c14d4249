/** `/inbox/:id`: one approval or one form. */
import type { Matched } from '../../components/places';
import { Approval } from './approval';
import { FormPage } from './form';
import { isForm } from './model';

export function InboxItem({ params }: { params: Matched }) {
  const id = params['id'] ?? '';
  return isForm(id) ? <FormPage key={id} id={id} /> : <Approval key={id} id={id} />;
}
