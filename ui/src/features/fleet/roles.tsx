/** Where tasks are on their way through the roles. */
export function RoleQueues() {
  return null;
}
